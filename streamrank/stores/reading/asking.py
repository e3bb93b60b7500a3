"""Which keys a request asks for, all views in one round trip, and the keys it reaches through its items.

Both are generators, so that waiting for the server, or letting others run meanwhile, is left to the caller. They yield
keys to fetch and are sent the values [keys], null where there is none; before values are read they yield ToDecode.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from streamrank.stores.packing.heads import Heads, heads_of_each
from streamrank.stores.packing.keys import together
from streamrank.stores.packing.known_layouts import KnownLayouts
from streamrank.stores.reading.answer import answered, finished
from streamrank.stores.reading.held import Held
from streamrank.stores.reading.plan import StoredView
from streamrank.stores.reading.rows import Distinct, Rows
from streamrank.stores.reading.through import Through, keys_in
from streamrank.stores.windowed import Generations, Part, fetched, values_of
from streamrank.windows.reading import Heads as WindowHeads
from streamrank.windows.reading import heads_of_each as heads_of_windows


@dataclass(frozen=True)
class ToDecode:
    """Values that are about to be decoded with these layouts."""

    layouts: KnownLayouts
    values: pa.LargeBinaryArray


Steps = Generator[pa.LargeBinaryArray | ToDecode, pa.LargeBinaryArray | None]
Layouts = Mapping[str, KnownLayouts]  # by the name of the packed view


def asked(
    views: Sequence[StoredView], rows: Rows, layouts: Layouts, generations: Generations, at_us: int
) -> Steps:  # fmt: skip
    """Fetches all views' keys at once; returns what was read of each, by label, as it is at `at_us`."""
    if not views:
        return {}
    distinct = [_distinct(view.label, tuple(view.keys.values()), rows) for view in views]
    ends = _ends(views, distinct, rows)
    parts = [Part(view.packed.prefix, own, view.windows) for view, own in zip(views, ends, strict=True)]
    shares = yield from fetched(parts, generations)
    heads, windows, read = _heads(views, shares), _heads_of_windows(views, shares), {}
    for view, own, part, values in zip(views, distinct, parts, shares, strict=True):
        if view.has_windows:
            read[view.label] = finished(view, own, values, windows.get(view.label), part.ends, at_us)
            continue
        known = layouts[view.packed.name]
        yield ToDecode(known, values)
        read[view.label] = answered(view, own, values, heads[view.label], part.ends, known, at_us)
    return read


def reach(
    through: Through, held: Held, rows: Rows, layouts: KnownLayouts, now_us: int, at_us: int, ahead: bool = False
) -> Steps:
    """Adds to `rows` the keys that `through` leads to and that are not given; fetches the items that are not held.
    ahead: those too that will not be for long."""
    wanted = {key: feature for key, feature in through.reached.items() if key not in rows.columns}
    if not wanted:
        return
    distinct = _distinct(through.packed.name, through.keys, rows)
    items = _hashable(distinct, through.keys)
    values, event_us, stale = held.find(items, now_us, ahead)
    if len(stale):
        columns = {name: distinct.columns[name].take(pa.array(stale)) for name in through.keys}
        keys = through.packed.keys(columns, len(stale))
        stored = yield from values_of(keys)
        yield ToDecode(layouts, stored)
        read = through.packed.unpack(stored, list(through.types), layouts, keys)
        found = {name: _objects(keys_in(column)) for name, column in read.columns.items()}
        held.learn([items[place] for place in stale.tolist()], found, read.event_us, read.found, now_us)
        event_us[stale] = read.event_us
        for name, column in found.items():
            values[name][stale] = column
    constant = rows.constant.issuperset(through.keys)
    for key, feature in wanted.items():
        column = held.column(feature, values[feature], event_us, at_us)
        rows.add(key, column if constant else distinct.column_over_rows(column), constant)


def _heads(views: Sequence[StoredView], shares: Sequence[pa.LargeBinaryArray | None]) -> dict[str, Heads]:
    """By label, of the views of rows; read in one step, since their values lie one behind the other."""
    of_rows = {view.label: values for view, values in zip(views, shares, strict=True) if not view.has_windows}
    return dict(zip(of_rows, heads_of_each([*of_rows.values()]), strict=True))


def _heads_of_windows(
    views: Sequence[StoredView], shares: Sequence[pa.LargeBinaryArray | None]
) -> dict[str, WindowHeads]:
    """The same of the windowed views of which anything is filled."""
    pairs = zip(views, shares, strict=True)
    filled = {view.label: values for view, values in pairs if view.has_windows and values is not None}
    return dict(zip(filled, heads_of_windows([*filled.values()]), strict=True))


def _ends(views: Sequence[StoredView], distinct: Sequence[Distinct], rows: Rows) -> list[pa.LargeBinaryArray]:
    """Of each view what the keys of its distinct rows end with, made once for views with the same join keys."""
    ends: dict[tuple, pa.LargeBinaryArray] = {}
    parts: dict[tuple[int, str], pa.LargeBinaryArray] = {}  # by column, which `rows` keeps, and type
    for view, own in zip(views, distinct, strict=True):
        if view.key not in ends:
            own_parts = [_end(view, name, rows if each in rows.constant else own, each, parts)
                         for name, each in view.keys.items()]  # fmt: skip
            ends[view.key] = together(own_parts, own.keys)
    return [ends[view.key] for view in views]


def _end(
    view: StoredView, name: str, given: Rows | Distinct, column: str, known: dict[tuple[int, str], pa.LargeBinaryArray]
) -> pa.LargeBinaryArray:
    """What one join key adds to the ends."""
    values = given.columns[column]
    asked = id(values), str(view.packed.key_types[name])
    if asked not in known:
        known[asked] = view.packed.key_end(name, values)
    return known[asked]


def _distinct(label: str, names: Sequence[str], rows: Rows) -> Distinct:
    missing = sorted(name for name in names if name not in rows.columns)
    if missing:
        raise ValueError(
            f"feature view {label!r} is keyed by {sorted(names)}: {missing} missing, given are {sorted(rows.columns)}; "
            f"give it, or what it is reached through"
        )
    return rows.distinct(names)


def _hashable(distinct: Distinct, names: Sequence[str]) -> list:
    """The keys as values a dictionary takes: tuples where they have several parts."""
    parts = [distinct.columns[name].to_pylist() for name in names]
    return parts[0] if len(parts) == 1 else list(zip(*parts, strict=True))


def _objects(column: pa.Array) -> np.ndarray:
    made = np.empty(len(column), object)
    made[:] = column.to_pylist()
    return made
