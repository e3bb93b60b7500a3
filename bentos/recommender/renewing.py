"""Items whose attributes events have changed since the model was fit: their table with what was said over it."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.items import Items

SAID = ("creator_id", "topics", "title", "kind", "year", "duration_ms")
"""What an item_start or item_update says of an item, but for its times."""


def renewed(items: Items, states: pa.Table, places: np.ndarray) -> Items | None:
    """The items with what `states` (`catalog.live.item_states.ITEM_STATES`) say of those at `places`, int64 [states];
    what was not said stays, and of two states of one item the later holds. None where nothing is other than before."""
    order = np.argsort(states["position"].to_numpy(), kind="stable")
    row = np.full(len(items), -1, np.int64)
    row[places[order]] = order
    taken, table = pa.array(row, mask=row < 0), items.table
    for name in (name for name in SAID if name in table.column_names):
        place = table.column_names.index(name)
        said = states[name].combine_chunks().take(taken).cast(table.schema.field(name).type)
        table = table.set_column(place, table.schema.field(name), _over(said, table[name].combine_chunks()))
    return None if table.equals(items.table) else Items(table.combine_chunks())


def _over(said: pa.Array, before: pa.Array) -> pa.Array:
    """What was said, and where nothing was, what stood there; lists that are null count as not said."""
    both = pa.concat_arrays([said, before])
    rows = np.arange(len(said))
    return both.take(pa.array(np.where(pc.is_valid(said).to_numpy(zero_copy_only=False), rows, rows + len(said))))
