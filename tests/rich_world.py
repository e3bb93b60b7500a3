"""A small catalogue, acts and viewers of which every source can make something."""

from dataclasses import replace
from functools import cache

import numpy as np
import pyarrow as pa

from benchmarks.retrieve import world as worlds
from models.interactions import Interactions
from models.items import Items
from models.retrieval.trending import recent_at
from models.viewer import Moment, Viewer

SIZES = worlds.Sizes(items=120, users=50, acts=3_000)


@cache
def known() -> tuple[Interactions, Items]:
    world = worlds.world_of(SIZES)
    items = worlds.items_of(world)
    acts = worlds.acts_of(world, items, SIZES.acts)
    random = np.random.default_rng(11)
    ratings = np.where(random.random(len(acts)) < 0.5, random.integers(1, 6, len(acts)), np.nan)
    return replace(acts, ratings=ratings.astype(np.float32)), items


@cache
def moment() -> Moment:
    acts, items = known()
    return worlds.moment_of(items, recent_at(acts, np.array([worlds.NOW]))[0])


@cache
def viewers() -> list[Viewer]:
    acts, items = known()
    return worlds.viewers_of(worlds.world_of(SIZES), acts, items, 10)


def grown(items: Items, **columns: object) -> Items:
    """With one item more behind the others, of which this is known besides its id."""
    row = {name: [columns.get(name, "new" if name == "item_id" else None)] for name in items.table.column_names}
    return Items(pa.concat_tables([items.table, pa.table(row, schema=items.table.schema)]))


def longer(moment: Moment, begins: int) -> Moment:
    """The moment with one item more, that is on air since `begins`."""
    return Moment(
        moment.now_us, np.append(moment.on_air, True), np.append(moment.begins, begins),
        np.append(moment.recent, np.float32(0)), np.append(moment.watching, np.float32(0)),
    )  # fmt: skip
