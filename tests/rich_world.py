"""A small catalogue, acts and viewers of which every source can make something."""

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
    return worlds.acts_of(world, items, SIZES.acts), items


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
