"""Acts of two tastes, in sittings: users of one act on the first half of the items, of the other on the second."""

import numpy as np
import pyarrow as pa

from catalog.schema import ITEMS as SCHEMA
from models.interactions import Interactions
from models.items import Items
from models.viewer import Moment, Viewer
from models.viewing import viewer_of
from streamrank.clock import DAY, SECOND

USERS, ITEMS, ACTS = 40, 60, 24
NOW = 100 * DAY


def acts(users: int = USERS, items: int = ITEMS, each: int = ACTS, seed: int = 1) -> Interactions:
    """Each user acts on `each` items of their half, three a sitting, popular ones first of all."""
    random = np.random.default_rng(seed)
    half = items // 2
    odds = 1 / (1 + np.arange(half))
    rows = [
        random.choice(half, min(each, half - 4), replace=False, p=odds / odds.sum()) + half * (user % 2)
        for user in range(users)
    ]
    who = np.repeat(np.arange(users), [len(row) for row in rows])
    turn = np.concatenate([np.arange(len(row)) for row in rows])
    times = (turn // 3) * DAY + (turn % 3) * 60 * SECOND + who * 7 * SECOND
    return of(who, np.concatenate(rows), times, users, items)


def of(who, which, times, users: int, items: int, weights=None) -> Interactions:
    """Acts in the order of time from plain columns."""
    order = np.argsort(times, kind="stable")
    told = np.ones(len(order), np.float32) if weights is None else np.asarray(weights, np.float32)
    unknown = np.full(len(order), np.nan, np.float32)
    return Interactions(
        np.asarray(who, np.int32)[order], np.asarray(which, np.int32)[order], np.asarray(times, np.int64)[order],
        told[order], unknown, unknown, names("u", users), names("i", items),
    )  # fmt: skip


def names(letter: str, count: int) -> np.ndarray:
    return np.array([f"{letter}{place:05}" for place in range(count)], object)


def items(count: int = ITEMS) -> Items:
    """Items of which nothing but their ids is known."""
    return Items(pa.Table.from_pylist([{"item_id": name} for name in names("i", count)], SCHEMA))


def moment(count: int = ITEMS, now: int = NOW) -> Moment:
    zeros = np.zeros(count, np.float32)
    return Moment(now, np.ones(count, bool), np.zeros(count, np.int64), zeros, zeros)


def viewer(known: Interactions, user: int) -> Viewer:
    return viewer_of(known, user, NOW)


def unseen(who: Viewer, count: int = ITEMS) -> np.ndarray:
    """bool [items]: those that the viewer did not act on."""
    allowed = np.ones(count, bool)
    allowed[who.items] = False
    return allowed
