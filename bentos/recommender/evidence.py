"""What the features of a served row were read from, so that an audit can compute them again.

Of each view of rows the times of the row, of latest acts a digest too, of each windowed view the positions up to which
it was applied, and the keys that the request did not name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from streamrank.events.shards import NEVER
from streamrank.stores.reader import NOT_FOUND, OnlineRead, OnlineReader
from streamrank.windows.finishing import applied

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


@dataclass(frozen=True)
class Evidence:
    """What was read of some rows, before it is made columns of a log: that is cheaper for many requests at once.

    keys: by column, strings. stamps: by column, int64 and whether there is none, bool. windows: by column, what is
    stored of each row's windows, of which their positions are taken.
    """

    keys: Mapping[str, pa.Array]
    stamps: Mapping[str, tuple[np.ndarray, np.ndarray]]
    windows: Mapping[str, pa.LargeBinaryArray]

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.keys, *self.stamps, *self.windows)


def evidence_of(read: OnlineRead, places: np.ndarray) -> Evidence:
    """Of the rows int64 `places` [n] of what was read; views without windows are left out."""
    chosen, stamps = read.at(places), {}
    for view, row in chosen.rows.items():
        absent = row.status == NOT_FOUND
        stamps |= {f"{view}{EVENT}": (row.event_us, absent), f"{view}{CREATED}": (row.created_us, absent)}
    stamps |= {f"{view}{DIGEST}": (digests, digests == 0) for view, digests in chosen.digests.items()}
    keys = {f"{KEY}{name}": values.cast(pa.string()) for name, values in chosen.keys.items()}
    return Evidence(keys, stamps, {f"{view}{APPLIED}": values for view, values in chosen.stored_windows.items()})


def evidence_columns(parts: Sequence[Evidence], rest: Callable[[], object] = lambda: None) -> dict[str, pa.Array]:
    """The columns of all parts one behind the other; all have the same names. rest: called after each."""
    first = parts[0]
    columns = {name: pa.concat_arrays([part.keys[name] for part in parts]) for name in first.keys}
    for name in first.stamps:
        values, absent = (np.concatenate(both) for both in zip(*(part.stamps[name] for part in parts), strict=True))
        columns[name] = pa.array(values, mask=absent)
        rest()
    for name in first.windows:
        columns[name] = _lists(applied(pa.concat_arrays([part.windows[name] for part in parts])))
        rest()
    return columns


def acts_fields(reader: OnlineReader) -> list[pa.Field]:
    """Of the views of latest acts alone, by which candidates were found: the times of the row, and its digest."""
    ends = (EVENT, CREATED, DIGEST)
    return [pa.field(f"{view}{end}", pa.int64()) for view in reader.views_of_acts for end in ends]


def acts_stamps(read: OnlineRead) -> dict[str, int | None]:
    """The columns of the one row that was read of a viewer, the same for all their items."""
    found: dict[str, int | None] = {}
    for view, (digest,) in read.digests.items():
        row, there = read.rows[view], digest != 0
        known = zip((EVENT, CREATED, DIGEST), (row.event_us[0], row.created_us[0], digest), strict=True)
        found |= {f"{view}{end}": int(value) if there else None for end, value in known}
    return found


def _lists(applied: np.ndarray) -> pa.ListArray:
    """int64 [rows, shards] as lists, null where a shard never touched the key."""
    rows, shards = applied.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * shards
    return pa.ListArray.from_arrays(offsets, pa.array(applied.ravel(), mask=applied.ravel() == NEVER))
