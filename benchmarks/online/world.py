"""What lies in the online store and what is asked of it, generated once and read by every side.

Five views: `plain` (all values there, for the bare comparison), and the four of a real request: items, creators, users
and user x creator. In those 5 % of values are null, 2 % of rows lie past their TTL, and half of the items were written
under an older definition, with two features fewer and the others in another order.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from streamrank import clock

NULL_SHARE, EXPIRED_SHARE = 0.05, 0.02
TTL_DAYS = 7
AGE_US = {"new": clock.HOUR, "old": 3 * clock.HOUR, "expired": (TTL_DAYS + 1) * clock.DAY}
TURN_US = 2 * clock.HOUR  # how long ago the item view was changed
USERS, ITEMS_PER_CREATOR, REQUESTS, ANSWERED = 20, 8, 20, 5


@dataclass(frozen=True)
class View:
    """keys: join keys. features: in order. since: those that the older definition lacks."""

    name: str
    keys: tuple[str, ...]
    prefix: str
    count: int
    ttl_days: int = TTL_DAYS
    since: int = 0

    @property
    def features(self) -> list[str]:
        return [f"{self.prefix}{i}" for i in range(self.count)]


PLAIN = View("plain", ("item_id",), "p", 20, ttl_days=0)
REQUEST = (
    View("items", ("item_id",), "i", 20, since=2),
    View("creators", ("creator_id",), "c", 8),
    View("users", ("user_id",), "u", 8),
    View("user_creators", ("user_id", "creator_id"), "x", 4),
)  # fmt: skip
QUESTIONS = {"plain": (PLAIN,), "request": REQUEST}


@dataclass(frozen=True)
class Requests:
    """item_ids, creator_ids: int64 [requests, items]. user_ids: int64 [requests]."""

    item_ids: np.ndarray
    creator_ids: np.ndarray
    user_ids: np.ndarray

    def keys(self, i: int, names: set[str]) -> dict[str, np.ndarray | int]:
        """The join keys `names` of request `i` (cyclic): arrays [items], the user as one number."""
        at = i % len(self.user_ids)
        asked = {"item_id": self.item_ids[at], "creator_id": self.creator_ids[at], "user_id": int(self.user_ids[at])}
        return {name: asked[name] for name in asked if name in names}


def write(folder: str, items: int) -> dict:
    """Writes a Parquet file a view, the requests, and the moment all times are counted from."""
    into, rng = Path(folder), np.random.default_rng(7)
    into.mkdir(parents=True, exist_ok=True)
    present = clock.now_us() // clock.SECOND * clock.SECOND
    universe, creators = 4 * items, max(1, 4 * items // ITEMS_PER_CREATOR)
    creator_of = rng.integers(0, creators, universe)
    pairs = np.indices((USERS, creators)).reshape(2, -1)
    keys = {"plain": [np.arange(universe)], "items": [np.arange(universe)], "creators": [np.arange(creators)],
            "users": [np.arange(USERS)], "user_creators": list(pairs)}  # fmt: skip
    for view in (PLAIN, *REQUEST):
        pq.write_table(_rows(view, keys[view.name], present, rng), into / f"{view.name}.parquet")
    item_ids = np.stack([rng.choice(universe, items, replace=False) for _ in range(REQUESTS)])
    np.savez(into / "requests.npz", item_ids, creator_of[item_ids], rng.integers(0, USERS, REQUESTS))
    np.save(into / "creator_of.npy", creator_of)
    (into / "present.json").write_text(json.dumps(present))
    return {"items": items, "keys": {name: len(columns[0]) for name, columns in keys.items()}}


def requests(folder: Path) -> Requests:
    with np.load(folder / "requests.npz") as arrays:
        return Requests(*arrays.values())


def creator_of(folder: Path) -> np.ndarray:
    """The creator of each item: int64 [all items], by item_id."""
    return np.load(folder / "creator_of.npy")


def present_us(folder: Path) -> int:
    return json.loads((folder / "present.json").read_text())


def rows(folder: Path, view: View) -> pa.Table:
    """All rows of a view, `kind` among the columns: new, old (under the older definition) or expired."""
    return pq.read_table(folder / f"{view.name}.parquet")


def _rows(view: View, keys: list[np.ndarray], present: int, rng: np.random.Generator) -> pa.Table:
    count = len(keys[0])
    kind = np.full(count, "new", dtype=object)
    if view.since:
        kind[rng.random(count) < 0.5] = "old"
    if view is not PLAIN and view.name != "users":
        kind[rng.random(count) < EXPIRED_SHARE] = "expired"
    at = pa.array(present - np.array([AGE_US[k] for k in kind]), pa.timestamp("us", "UTC"))
    nulls = 0 if view is PLAIN else NULL_SHARE
    values = {
        name: pa.array(rng.random(count, dtype=np.float32), mask=rng.random(count) < nulls) for name in view.features
    }
    named = dict(zip(view.keys, map(pa.array, keys), strict=True))
    return pa.table({**named, **values, "event_timestamp": at, "created": at, "kind": pa.array(list(kind))})
