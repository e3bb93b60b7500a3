"""What the features of a served row were read from, so that an audit can compute them again.

Of each view of rows the times of the row, of latest acts a digest too, of each windowed view the positions up to which
it was applied, and the keys that the request did not name.
"""

import numpy as np
import pyarrow as pa

from streamrank.events.shards import NEVER
from streamrank.stores.reader import NOT_FOUND, OnlineRead, OnlineReader

KEY, EVENT, CREATED, APPLIED, DIGEST = "key__", "__event_us", "__created_us", "__applied", "__digest"
POSITIONS = pa.list_(pa.int64())


def evidence_fields(reader: OnlineReader) -> list[pa.Field]:
    """The columns, with views by their names in the feature service.

    `key__<join key>`: the key that was reached through the item. `<view>__event_us`, `<view>__created_us`: of the row
    that was read, us UTC, null where there is none. `<view>__applied`: of each shard of the bus the last position
    that is in the windows, null where it never touched the key; null as a whole where the view has no windows yet.
    """
    keys = [pa.field(f"{KEY}{name}", pa.string()) for name in reader.reached]
    times = [pa.field(f"{view}{end}", pa.int64()) for view in reader.views for end in (EVENT, CREATED)]
    times += [pa.field(f"{view}{DIGEST}", pa.int64()) for view in reader.views_of_acts]
    return [*keys, *times, *(pa.field(f"{view}{APPLIED}", POSITIONS) for view in reader.windowed_views)]


def evidence_columns(read: OnlineRead) -> dict[str, pa.Array]:
    """The columns of what was read, [rows] each; those of views without windows are left out."""
    columns = {f"{KEY}{name}": values.cast(pa.string()) for name, values in read.keys.items()}
    for view, row in read.rows.items():
        absent = row.status == NOT_FOUND
        columns[f"{view}{EVENT}"] = pa.array(row.event_us, mask=absent)
        columns[f"{view}{CREATED}"] = pa.array(row.created_us, mask=absent)
    for view, digests in read.digests.items():
        columns[f"{view}{DIGEST}"] = pa.array(digests, mask=digests == 0)
    return columns | {f"{view}{APPLIED}": _lists(applied) for view, applied in read.windows.items()}


def acts_fields(reader: OnlineReader) -> list[pa.Field]:
    """Of the views of latest acts alone, by which candidates were found: the times of the row, and its digest."""
    ends = (EVENT, CREATED, DIGEST)
    return [pa.field(f"{view}{end}", pa.int64()) for view in reader.views_of_acts for end in ends]


def acts_columns(read: OnlineRead, rows: int) -> dict[str, pa.Array]:
    """The columns of the one row that was read of a viewer, the same for all their `rows` items."""
    found: dict[str, int | None] = {}
    for view, (digest,) in read.digests.items():
        row, there = read.rows[view], digest != 0
        known = zip((EVENT, CREATED, DIGEST), (row.event_us[0], row.created_us[0], digest), strict=True)
        found |= {f"{view}{end}": int(value) if there else None for end, value in known}
    return {name: pa.repeat(pa.scalar(value, pa.int64()), rows) for name, value in found.items()}


def _lists(applied: np.ndarray) -> pa.ListArray:
    """int64 [rows, shards] as lists, null where a shard never touched the key."""
    rows, shards = applied.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * shards
    return pa.ListArray.from_arrays(offsets, pa.array(applied.ravel(), mask=applied.ravel() == NEVER))
