"""What users did with items, as columns: all that a source of candidates learns from."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_array


@dataclass(frozen=True)
class Interactions:
    """One row an act, ordered by time, equal times as they came.

    users: int32 [acts], places in user_ids. items: int32 [acts], places in item_ids. times: int64 [acts], us UTC, or an
    order where a data set has no better. weights: float32 [acts], how much the act says for the item: 1 for a plain
    view, more for a long watch or a good rating, less for the contrary, never below 0. watched: float32 [acts], the
    share of the item that was watched, NaN where nobody knows. ratings: float32 [acts], NaN where there is none.
    user_ids, item_ids: object arrays of str; item_ids are those of `Items`, so that a place is an item everywhere.
    traits: list of str [users], what is known of each besides, such as "gender:F"; None where nothing is. asked: int64
    [acts], when what led to each was asked for, before its time or at it; None where that is not looked at.
    """

    users: np.ndarray
    items: np.ndarray
    times: np.ndarray
    weights: np.ndarray
    watched: np.ndarray
    ratings: np.ndarray
    user_ids: np.ndarray
    item_ids: np.ndarray
    traits: pa.ListArray | None = None
    asked: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.users)

    @property
    def shape(self) -> tuple[int, int]:
        """(users, items)."""
        return len(self.user_ids), len(self.item_ids)

    def only(self, kept: np.ndarray) -> "Interactions":
        """The acts where `kept`, bool [acts] or their places, says so; users and items keep their places."""
        columns = ("users", "items", "times", "weights", "watched", "ratings", "asked")
        told = {name: getattr(self, name) for name in columns}
        return replace(self, **{name: column[kept] for name, column in told.items() if column is not None})

    @property
    def instants(self) -> np.ndarray:
        """int64 [acts]: just before which somebody has to be asked for what they did."""
        return self.times if self.asked is None else self.asked

    def before(self, instant: int) -> "Interactions":
        """The acts earlier than `instant`."""
        return self.only(slice(0, int(np.searchsorted(self.times, instant, "left"))))

    def of_users(self, most: int) -> "Interactions":
        """The acts of at most `most` users, drawn with a fixed seed."""
        active = np.unique(self.users)
        if len(active) <= most:
            return self
        return self.only(np.isin(self.users, np.random.default_rng(0).permutation(active)[:most]))

    def matrix(self) -> csr_array:
        """float32 [users, items]: the greatest weight of each user's acts on each item; no entry without an act."""
        order = np.lexsort((-self.weights, self.items, self.users))
        users, items = self.users[order], self.items[order]
        first = np.ones(len(order), bool)
        first[1:] = (users[1:] != users[:-1]) | (items[1:] != items[:-1])
        cells = (self.weights[order][first], (users[first], items[first]))
        return csr_array(cells, shape=self.shape, dtype=np.float32)
