"""Places in histories, and what lies around each: acts at the same time, the last before it, the first after it."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, hstack

from models.retrieval.cells import ranges
from streamrank.clock import SECOND

SIDES = 3  # at the same time, before, after
STEPS = 6  # acts on either side at most
FADING = 0.85  # of each act between
OF_A_USER = 1 << 35  # seconds, more than there are


@dataclass(frozen=True)
class Told:
    """Acts by user, and by second within each, all int64 [acts]: places of users and items, and a key of user and
    second, ascending. What was done within one second was done together: its order is not told."""

    users: np.ndarray
    items: np.ndarray
    keys: np.ndarray

    def __len__(self) -> int:
        return len(self.users)

    def only(self, kept: np.ndarray) -> "Told":
        return Told(self.users[kept], self.items[kept], self.keys[kept])


@dataclass(frozen=True)
class Places:
    """Where something may have been done, all int64 [places]: the acts at that time are known[begins:ends], those of
    the same user known[firsts:lasts]. own: an item that is not told there, -1 for none."""

    begins: np.ndarray
    ends: np.ndarray
    firsts: np.ndarray
    lasts: np.ndarray
    own: np.ndarray


def told(users: np.ndarray, items: np.ndarray, times: np.ndarray) -> Told:
    """times: us UTC. Of several acts of a user on an item the first."""
    order = np.lexsort((times, items, users))
    first = np.ones(len(order), bool)
    first[1:] = (np.diff(users[order]) != 0) | (np.diff(items[order]) != 0)
    kept = order[first]
    keys = users[kept].astype(np.int64) * OF_A_USER + times[kept] // SECOND
    by_key = np.lexsort((items[kept], keys))
    return Told(users[kept][by_key].astype(np.int64), items[kept][by_key].astype(np.int64), keys[by_key])


def of_acts(acts: Told, known: Told) -> Places:
    """Where each of the acts was done, among others that are known."""
    begins, ends = (np.searchsorted(known.keys, acts.keys, side) for side in ("left", "right"))
    firsts, lasts = (np.searchsorted(known.users, acts.users, side) for side in ("left", "right"))
    return Places(begins, ends, firsts, lasts, acts.items)


def of_history(known: Told) -> tuple[Places, int]:
    """(all places in the history of one user: first those at the times of what is known, then those between them and
    at both ends; how many the former are)."""
    begins = np.flatnonzero(np.r_[True, np.diff(known.keys) != 0][: len(known)])
    bounds = np.append(begins, len(known))
    firsts = np.zeros(len(begins) + len(bounds), np.int64)
    places = np.concatenate([begins, bounds]), np.concatenate([bounds[1:], bounds])
    return Places(*places, firsts, firsts + len(known), firsts - 1), len(begins)


def around(known: Told, places: Places, items: int) -> csr_array:
    """float32 [places, SIDES * items]: for each side the items there, of which the nearer count more, over the root of
    how much they count together."""
    before = np.maximum(places.begins - STEPS, places.firsts)
    after = np.minimum(places.ends + STEPS, places.lasts)
    sides = ((places.begins, places.ends, None), (before, places.begins, -1), (places.ends, after, 1))
    return csr_array(hstack([_side(known, places, items, *side) for side in sides], format="csr"))


def _side(known: Told, places: Places, items: int, begins: np.ndarray, ends: np.ndarray, way: int | None) -> csr_array:
    at, lengths = ranges(begins, ends)
    place = np.repeat(np.arange(len(begins)), lengths)
    apart = np.zeros(len(at)) if way is None else at - begins[place] if way > 0 else ends[place] - 1 - at
    others = known.items[at] != places.own[place]
    place, weights = place[others], FADING ** apart[others]
    totals = np.bincount(place, weights, minlength=len(begins))
    weights = (weights / np.sqrt(totals[place])).astype(np.float32)
    return csr_array((weights, (place, known.items[at][others])), shape=(len(begins), items))
