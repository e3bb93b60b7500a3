"""What people of the same profile act on more than others: of the same age band, gender, occupation, country, or
whatever else a users file says. To a new user it proposes what is popular, by their profile; of a viewer who did
something already it only says how well what others found fits their profile.

Each trait says by itself how much more often an item is acted on, as if the others were not known (naive Bayes).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy.sparse import csr_array

from models.interactions import Interactions
from models.items import Items
from models.retrieval.said import said_of
from models.retrieval.some import among
from models.retrieval.source import NOTHING, Found, StepsAside
from models.viewer import Moment, Viewer

DRAWN = 2.0  # acts at everybody's share, from which those of a trait start
FEWEST = 5  # users of whom a trait says something
POPULAR = 2_000  # items, of those acted on most, among which a new user's are looked for


@dataclass(frozen=True)
class Profile:
    """names: pa.StringArray [traits], sorted. totals: float32 [traits], acts of each trait's users. begins: int64
    [traits + 1], where each trait's items begin in items, int32, ascending in each; counts: float32, acts on each.
    shares: float32 [items], of everybody's acts, above 0. In all these an act of somebody with n acts counts
    1 / sqrt(n). popular: float32 [items], the logarithm of all acts on each.
    """

    names: pa.StringArray
    totals: np.ndarray
    begins: np.ndarray
    items: np.ndarray
    counts: np.ndarray
    shares: np.ndarray
    popular: np.ndarray
    name: str = "profile"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "Profile":
        """StepsAside where no two traits are known of users who did something."""
        weights = 1 / np.sqrt(np.bincount(acts.users, minlength=len(acts.user_ids)).clip(1))
        names, who, which = _told(acts)
        if len(names) < 2:
            raise StepsAside(f"profile: needs two traits that {FEWEST} users or more share, there are {len(names)}")
        of_items = np.bincount(acts.items, weights[acts.users], minlength=len(items)) + 0.01
        cells, counts = _cells(acts, who, which, weights, len(items))
        begins = np.searchsorted(cells, np.arange(len(names) + 1) * len(items))
        totals = np.add.reduceat(np.append(counts, 0), begins[:-1]) * (np.diff(begins) > 0)
        return cls(
            names, totals.astype(np.float32), begins, (cells % len(items)).astype(np.int32),
            counts.astype(np.float32), (of_items / of_items.sum()).astype(np.float32),
            np.log(np.bincount(acts.items, minlength=len(items)) + 0.1).astype(np.float32),
        )  # fmt: skip

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        """Scores are logarithms of how much likelier an item is; a new user's hold how popular it is besides."""
        traits = self.known(viewer)
        if not len(traits):
            return NOTHING
        fits = said_of(lambda places: self._lift(traits, places), len(self.shares))
        if len(viewer.items) or len(viewer.picked):
            return fits
        usable = np.flatnonzero(allowed[: len(self.shares)])
        usable = np.sort(usable[np.argsort(-self.popular[usable], kind="stable")[:POPULAR]])
        return among(usable, self.popular[usable] + fits.of(usable), allowed, most)

    def known(self, viewer: Viewer) -> np.ndarray:
        """Places in names, int64, of those of the viewer's traits of which something was learned."""
        if not viewer.traits:
            return np.zeros(0, np.int64)
        return np.unique(_places(pa.array(viewer.traits, pa.string()), self.names))

    def _lift(self, traits: np.ndarray, places: np.ndarray) -> np.ndarray:
        """float32 [places]: of all traits together; many say much the same, so their sum is drawn in."""
        lifts = np.zeros(len(places), np.float32)
        for trait in traits.tolist():
            drawn = np.float32(DRAWN) + self._counts(trait, places)
            lifts += np.log(drawn / (np.float32(DRAWN) + self.totals[trait] * self.shares[places]))
        return lifts / np.sqrt(np.float32(len(traits)))

    def _counts(self, trait: int, places: np.ndarray) -> np.ndarray:
        own = slice(self.begins[trait], self.begins[trait + 1])
        items = self.items[own]
        if not len(items):
            return np.zeros(len(places), np.float32)
        at = np.minimum(np.searchsorted(items, places), len(items) - 1)
        return np.where(items[at] == places, self.counts[own][at], np.float32(0))

    def extended(self, items: Items) -> "Profile":
        """Itself: nobody has acted on a new item."""
        return self

    def save(self, folder: Path) -> None:
        pq.write_table(pa.table({"trait": self.names}), folder / "traits.parquet")
        columns = ("totals", "begins", "items", "counts", "shares", "popular")
        np.savez(folder / "profile.npz", **{column: getattr(self, column) for column in columns})

    @classmethod
    def load(cls, folder: Path, items: Items) -> "Profile":
        names = pq.read_table(folder / "traits.parquet")["trait"].combine_chunks()
        with np.load(folder / "profile.npz", allow_pickle=False) as stored:
            return cls(names, **{column: stored[column] for column in stored.files})


def _told(acts: Interactions) -> tuple[pa.StringArray, np.ndarray, np.ndarray]:
    """(traits that enough of those share who act, sorted; users int64 [n]; of each a trait's place, int64 [n])."""
    nothing = np.zeros(0, np.int64)
    if acts.traits is None:
        return pa.array([], pa.string()), nothing, nothing
    active = np.bincount(acts.users, minlength=len(acts.user_ids)) > 0
    users = pc.list_parent_indices(acts.traits).to_numpy().astype(np.int64)
    told = acts.traits.flatten().cast(pa.string()).filter(pa.array(active[users]))
    found = pc.value_counts(told)
    names = found.field("values").filter(pc.greater_equal(found.field("counts"), FEWEST)).sort()
    users, shared = users[active[users]], pc.is_in(told, names).to_numpy(zero_copy_only=False)
    return names, users[shared], _places(told, names)


def _places(told: pa.StringArray, names: pa.StringArray) -> np.ndarray:
    """int64: the places in names of those of `told` that are among them."""
    return pc.index_in(told, names).drop_null().to_numpy().astype(np.int64)


def _cells(
    acts: Interactions, who: np.ndarray, which: np.ndarray, weights: np.ndarray, items: int
) -> tuple[np.ndarray, np.ndarray]:
    """(cells int64, trait x items + item, ascending, each once; acts in each, float64). who, which: traits of users."""
    has = csr_array((np.ones(len(who)), (which, who)), shape=(which.max(initial=-1) + 1, len(acts.user_ids)))
    did = csr_array((weights[acts.users], (acts.users, acts.items)), shape=(len(acts.user_ids), items))
    both = (has @ did).tocoo()
    cells = both.coords[0].astype(np.int64) * items + both.coords[1]
    order = np.argsort(cells)
    return cells[order], both.data[order]
