"""Items that are like what a viewer watched or named, by what they are about; new items too, from their first minute.

A viewer's profile is the weighted mean of the terms of their items, and the topics that they stated. Which fields
matter (topics, creator, cast, language, words) is learned: whether what users did next was liker to their profile
than other items that are watched as often.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.sparse import csc_array, csr_array

from models.interactions import Interactions
from models.items import Items
from models.retrieval.cells import cells_of
from models.retrieval.choice import choice_weights
from models.retrieval.liking import liking
from models.retrieval.source import NOTHING, Found, StepsAside, best
from models.retrieval.terms import FIELDS, Terms, terms_of
from models.viewer import Moment, Viewer

STATED = 1.0  # the weight of a stated topic, beside an act's
FEW = 0.2  # of all that is told of items
STRONGEST = 64  # terms of a profile by which items are looked up
ASKED, OTHERS = 800, 30  # acts on which fields are weighed; other items that each is held against
LEAST_WEIGHT = 0.05
LATEST = 1_000  # acts of a user that make their profile, as online
SEED = 20_240_517


@dataclass(frozen=True)
class Content:
    """weights: float64 [fields]. vectors: float32 [items, terms]; postings: the same by term; field: of each term;
    topics: the term of each topic.
    """

    terms: Terms
    weights: np.ndarray
    vectors: csr_array
    postings: csc_array
    field: np.ndarray
    topics: dict[str, int]
    name: str = "content"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "Content":
        """StepsAside where no two items have anything in common that is told of them."""
        terms = terms_of(items)
        if not len(terms):
            raise StepsAside(f"content: needs items that share one of {', '.join(FIELDS)}; no two do")
        even = cls._of(terms, np.ones(len(FIELDS)), items)
        return replace(even, weights=_field_weights(even, acts))

    @classmethod
    def _of(cls, terms: Terms, weights: np.ndarray, items: Items) -> "Content":
        vectors = terms.matrix(items)
        return cls(terms, weights, vectors, vectors.tocsc(), terms.fields, terms.places("topics"))

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        profile = self.profile(*liking(viewer, self.vectors.shape[0]), viewer.topics)
        terms = np.flatnonzero(profile)
        if not len(terms):
            return NOTHING
        strength = profile[terms] * self.weights[self.field[terms]]
        if len(terms) > STRONGEST:
            kept = np.sort(np.argpartition(-strength, STRONGEST)[:STRONGEST])
            terms, strength = terms[kept], strength[kept]
        return self._found(terms, strength, allowed, most)

    def profile(self, places: np.ndarray, weights: np.ndarray, topics: Sequence[str] = ()) -> np.ndarray:
        """float64 [terms], of each field a vector of length 1, or 0 where nothing is known. places: int64 [n]."""
        cells, lengths = cells_of(self.vectors.indptr, places)
        of_items = self.vectors.data[cells] * np.repeat(weights, lengths)
        profile = np.bincount(self.vectors.indices[cells], of_items, minlength=len(self.terms)).astype(np.float64)
        if topics:
            profile[[self.topics[topic] for topic in topics if topic in self.topics]] += STATED
        length = np.sqrt(np.bincount(self.field, profile**2, minlength=len(FIELDS)))
        return profile / np.where(length > 0, length, 1)[self.field]

    def likeness(self, profile: np.ndarray, places: np.ndarray) -> np.ndarray:
        """float64 [n, fields]: the cosine of profile and items in each field."""
        cells, lengths = cells_of(self.vectors.indptr, places)
        terms = self.vectors.indices[cells]
        blocks = np.repeat(np.arange(len(places)), lengths) * len(FIELDS) + self.field[terms]
        sums = np.bincount(blocks, self.vectors.data[cells] * profile[terms], minlength=len(places) * len(FIELDS))
        return sums.reshape(len(places), len(FIELDS))

    def extended(self, items: Items) -> "Content":
        """With the vectors of the new items, in the terms that were known."""
        return self._of(self.terms, self.weights, items)

    def save(self, folder: Path) -> None:
        """The terms and the weights; vectors follow from them and the items."""
        pq.write_table(pa.table({"name": self.terms.names, "idf": self.terms.idf}), folder / "terms.parquet")
        (folder / "weights.json").write_text(json.dumps(dict(zip(FIELDS, self.weights.tolist(), strict=True))))

    @classmethod
    def load(cls, folder: Path, items: Items) -> "Content":
        stored = pq.read_table(folder / "terms.parquet").combine_chunks()
        weights = json.loads((folder / "weights.json").read_text())
        terms = Terms(stored["name"].combine_chunks(), stored["idf"].to_numpy())
        return cls._of(terms, np.array([weights[field] for field in FIELDS]), items)

    def _found(self, terms: np.ndarray, strength: np.ndarray, allowed: np.ndarray, most: int) -> Found:
        """The best of the items that have any of the terms; a score of 0 is known, but nothing to propose."""
        scores = self._scores(terms, strength).astype(np.float32)
        return best(scores, allowed[: len(scores)] & (scores > 0), most)

    def _scores(self, terms: np.ndarray, strength: np.ndarray) -> np.ndarray:
        """float64 [items], added up term by term in both ways: from the items of each term where these are few; where
        they are many, it is faster to go through all items once."""
        cells = np.sum(self.postings.indptr[terms + 1] - self.postings.indptr[terms])
        if cells > FEW * self.vectors.nnz:
            every = np.zeros(len(self.terms))
            every[terms] = strength
            return self.vectors @ every
        cells, lengths = cells_of(self.postings.indptr, terms)
        told = self.postings.data[cells] * np.repeat(strength, lengths)
        return np.bincount(self.postings.indices[cells], told, minlength=self.vectors.shape[0])


def _field_weights(content: Content, acts: Interactions) -> np.ndarray:
    """The weight of each field, none below LEAST_WEIGHT, so that a new item of which no more is known can be found;
    all alike where users' acts do not tell."""
    acts = acts.only(np.argsort(acts.users, kind="stable"))
    begins = np.searchsorted(acts.users, acts.users)
    asked = np.flatnonzero(np.arange(len(acts)) - begins >= 2)
    if not len(asked):
        return np.ones(len(FIELDS))
    random = np.random.default_rng(SEED)
    asked = np.sort(random.choice(asked, min(ASKED, len(asked)), replace=False))
    others = acts.items[random.integers(len(acts), size=(len(asked), OTHERS))]
    sets = np.stack([_options(content, acts, *asking) for asking in zip(begins[asked], asked, others, strict=True)])
    firsts = np.arange(len(asked)) * (OTHERS + 1)
    return np.maximum(choice_weights(sets.reshape(-1, len(FIELDS)), firsts, firsts), LEAST_WEIGHT)


def _options(content: Content, acts: Interactions, begin: int, row: int, others: np.ndarray) -> np.ndarray:
    """[1 + OTHERS, fields]: how like their profile until then was what the user did next, and what others did."""
    known = slice(max(begin, row - LATEST), row)
    places = acts.items[known].astype(np.int64)
    other = places != acts.items[row]
    profile = content.profile(places[other], acts.weights[known][other])
    return content.likeness(profile, np.append(acts.items[row], others).astype(np.int64))
