"""Which keys a request asks for, all views in one round trip, and the keys it reaches through its items.

Both are generators, so that waiting for the server, or letting others run meanwhile, is left to the caller. They yield
keys to fetch and are sent the values [keys], null where there is none; before values are read they yield ToDecode.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from streamrank.stores.packing.columns import valid_of
from streamrank.stores.packing.known_layouts import KnownLayouts
from streamrank.stores.reading.answer import answered
from streamrank.stores.reading.held import Held
from streamrank.stores.reading.plan import StoredView
from streamrank.stores.reading.rows import Distinct, Rows
from streamrank.stores.reading.through import Through, keys_in


@dataclass(frozen=True)
class ToDecode:
    """Values that are about to be decoded with these layouts."""

    layouts: KnownLayouts
    values: pa.LargeBinaryArray


Steps = Generator[pa.LargeBinaryArray | ToDecode, pa.LargeBinaryArray | None]
Layouts = Mapping[str, KnownLayouts]  # by the name of the packed view


def asked(views: Sequence[StoredView], rows: Rows, layouts: Layouts, at_us: int) -> Steps:
    """Fetches all views' keys at once; returns what was read of each, by label, as it is at `at_us`."""
    if not views:
        return {}
    distinct = [_distinct(view.label, tuple(view.keys.values()), rows) for view in views]
    keys = [
        view.packed.keys({name: own.columns[given] for name, given in view.keys.items()}, own.keys)
        for view, own in zip(views, distinct, strict=True)
    ]
    values = yield from _fetched(pa.concat_arrays(keys))
    ends = np.cumsum([0, *map(len, keys)])
    read = {}
    for view, own, part, start in zip(views, distinct, keys, ends[:-1].tolist(), strict=True):
        decoding = ToDecode(layouts[view.packed.name], values.slice(start, len(part)))
        yield decoding
        read[view.label] = answered(view, own, decoding.values, part, decoding.layouts, at_us)
    return read


def reach(through: Through, held: Held, rows: Rows, layouts: KnownLayouts, now_us: int, at_us: int) -> Steps:
    """Adds to `rows` the keys that `through` leads to and that are not given; fetches the items that are not held."""
    wanted = {key: feature for key, feature in through.reached.items() if key not in rows.columns}
    if not wanted:
        return
    distinct = _distinct(through.packed.name, through.keys, rows)
    items = _hashable(distinct, through.keys)
    values, event_us, stale = held.find(items, now_us)
    if len(stale):
        columns = {name: distinct.columns[name].take(pa.array(stale)) for name in through.keys}
        keys = through.packed.keys(columns, len(stale))
        fetched = yield from _fetched(keys)
        yield ToDecode(layouts, fetched)
        read = through.packed.unpack(fetched, list(through.types), layouts, keys)
        found = {name: _objects(keys_in(column)) for name, column in read.columns.items()}
        held.learn([items[place] for place in stale.tolist()], found, read.event_us, now_us)
        event_us[stale] = read.event_us
        for name, column in found.items():
            values[name][stale] = column
    constant = rows.constant.issuperset(through.keys)
    for key, feature in wanted.items():
        column = held.column(feature, values[feature], event_us, at_us)
        rows.add(key, column if constant else distinct.column_over_rows(column), constant)


def _distinct(label: str, names: Sequence[str], rows: Rows) -> Distinct:
    missing = sorted(set(names) - set(rows.columns))
    if missing:
        raise ValueError(
            f"feature view {label!r} is keyed by {sorted(names)}: {missing} missing, given are {sorted(rows.columns)}; "
            f"give it, or what it is reached through"
        )
    return rows.distinct(names)


def _fetched(keys: pa.LargeBinaryArray) -> Steps:
    """The values of keys, null where a key is null."""
    if not keys.null_count:
        return (yield keys) if len(keys) else keys
    known = valid_of(keys)
    values = (yield keys.drop_null()) if known.any() else keys[:0]
    return values.take(pa.array(np.cumsum(known) - 1, mask=~known))


def _hashable(distinct: Distinct, names: Sequence[str]) -> list:
    """The keys as values a dictionary takes: tuples where they have several parts."""
    parts = [distinct.columns[name].to_pylist() for name in names]
    return parts[0] if len(parts) == 1 else list(zip(*parts, strict=True))


def _objects(column: pa.Array) -> np.ndarray:
    made = np.empty(len(column), object)
    made[:] = column.to_pylist()
    return made
