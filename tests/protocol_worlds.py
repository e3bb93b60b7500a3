"""Worlds for protocols, without a data set on disk: acts from plain columns, or from simulated broadcasts."""

import numpy as np
import pyarrow as pa
from broadcasts import broadcasts

from catalog.schema import ITEMS
from models.interactions import Interactions
from models.items import Items
from models.on_air import OnAir, Spells
from models.stated import Stated
from pipelines.protocols.visits import visits
from pipelines.protocols.world import World
from streamrank.clock import HOUR, SECOND


def acts_of(users, items, times, catalogue: int | None = None) -> Interactions:
    """Plain acts, ordered by time; items are the places 0.. of a catalogue of `catalogue`."""
    order = np.argsort(times, kind="stable")
    users, items = np.asarray(users, np.int32)[order], np.asarray(items, np.int32)[order]
    n, people = len(order), int(users.max(initial=-1)) + 1
    return Interactions(
        users, items, np.asarray(times, np.int64)[order], np.ones(n, np.float32), np.full(n, np.nan, np.float32),
        np.full(n, np.nan, np.float32), np.array([f"u{user:04}" for user in range(people)], object),
        items_of(catalogue or int(items.max(initial=-1)) + 1).ids,
    )  # fmt: skip


def items_of(number: int, topics: int = 3) -> Items:
    rows = [{"item_id": f"i{item:04}", "topics": [f"t{item % topics}"]} for item in range(number)]
    return Items(pa.Table.from_pylist(rows, ITEMS).combine_chunks())


def world_of(acts: Interactions, repeats: bool = False, hold: int | None = None, gap: int = 1) -> World:
    """hold: an item is on air while anyone acted on it within so many units of time."""
    rule = OnAir(None if hold is None else hold / HOUR)
    return World(acts, items_of(acts.shape[1]), False, visits(acts, gap), repeats, rule, Spells(), Stated())


def live_world(users: int = 50, streamers: int = 30, tried: int = 1_800, days: int = 12) -> World:
    """Broadcasts that users return to, on air while somebody watched within the last six steps."""
    rows = broadcasts(users, streamers, tried, days)
    items = np.unique(rows["item_id"].to_numpy(), return_inverse=True)[1]
    acts = acts_of(rows["user_id"].to_numpy(), items, rows["event_time"].to_numpy() * SECOND)
    return world_of(acts, repeats=True, hold=6 * SECOND, gap=SECOND)
