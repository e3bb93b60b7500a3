"""The promoted catalogue, kept at what events have said since: what started, ended, or changed.

It follows the set on air with one small question a request. While Redis is away, what was known last holds.
"""

import threading
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from bentos.recommender.catalogue import UNKNOWN, Catalogue
from bentos.recommender.renewing import renewed
from catalog.live.item_states import ENDED, ITEM_STATES, STARTED
from catalog.live.on_air import OnAir
from models.items import OPEN_BEGIN, OPEN_END, Items

TIMES = ("available_from", "available_until")


class Live:
    """Safe to share between threads: a catalogue that was handed out never changes."""

    def __init__(self, promoted: Catalogue, on_air: OnAir) -> None:
        self._promoted, self._on_air, self._lock = promoted, on_air, threading.Lock()
        self.catalogue = promoted
        self._told = ITEM_STATES.empty_table()

    def sync(self) -> None:
        """Takes in what was said since the last time. Raises what a read raises when no server answers."""
        with self._lock:
            changed = self._on_air.sync()
            if len(changed):
                self.catalogue = self._overlaid(changed)
                self._told = pa.concat_tables([self._told, changed])

    def renew(self) -> None:
        """Lets sources know of attributes that events have changed since. Takes as long as an item's start, so that it
        is done beside the requests: none waits for it, and many updates are one step."""
        with self._lock:
            told, base = self._told, self.catalogue
            self._told = ITEM_STATES.empty_table()
        if not len(told):
            return
        places = base.places_of(told["item_id"].to_pylist())
        items = renewed(base.items, told.filter(places != UNKNOWN), places[places != UNKNOWN])
        if items is None:
            return
        sources = base.sources.extended(items)
        with self._lock:
            if self.catalogue.items is base.items:
                self.catalogue = replace(self.catalogue, items=items, sources=sources)
            else:  # an item started meanwhile: another time
                self._told = pa.concat_tables([told, self._told])

    def ended(self, item_ids: Sequence[str]) -> np.ndarray:
        """bool [n]: which of the items have ended, as far as is known."""
        ended = self._on_air.ended
        return np.array([item_id in ended for item_id in item_ids], bool) if ended else np.zeros(len(item_ids), bool)

    def _overlaid(self, states: pa.Table) -> Catalogue:
        """The catalogue with these items as `states` say, and behind the others those that it did not have."""
        places = self.catalogue.places_of(states["item_id"].to_pylist())
        new = (places == UNKNOWN) & (states["status"].to_numpy() == STARTED)
        grown = _with(self.catalogue, states.filter(new))
        known = states.filter((places != UNKNOWN) | new)
        return self._timed(grown, known, grown.places_of(known["item_id"].to_pylist()))

    def _timed(self, catalogue: Catalogue, states: pa.Table, places: np.ndarray) -> Catalogue:
        status = states["status"].to_numpy()
        begins, ends = catalogue.available_from.copy(), catalogue.available_until.copy()
        started = catalogue.started.copy()
        own_begin, own_end = self._promoted_times(places)
        said_begin, said_end = _said(states["available_from"], own_begin), _said(states["available_until"], own_end)
        said_end[(status == STARTED) & states["available_until"].is_null().to_numpy()] = OPEN_END
        said_end[status == ENDED] = OPEN_BEGIN
        begins[places], ends[places], started[places] = said_begin, said_end, status == STARTED
        return replace(catalogue, available_from=begins, available_until=ends, started=started)

    def _promoted_times(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the promoted model's catalogue says of when items can be watched; open ends where it says nothing."""
        begins = np.append(self._promoted.available_from, OPEN_BEGIN)
        ends = np.append(self._promoted.available_until, OPEN_END)
        at = np.minimum(places, len(self._promoted))
        return begins[at], ends[at]


def _said(column: pa.ChunkedArray, otherwise: np.ndarray) -> np.ndarray:
    return np.where(column.is_valid().to_numpy(), column.fill_null(0).to_numpy(), otherwise)


def _with(catalogue: Catalogue, states: pa.Table) -> Catalogue:
    """The catalogue and the items of `states` behind it, where nothing is popular yet; sources take them too."""
    if not len(states):
        return catalogue
    item_ids, first, count = states["item_id"].to_pylist(), len(catalogue), len(states)
    items = Items(pa.concat_tables([catalogue.items.table, _rows(states, catalogue.items)]).combine_chunks())
    return replace(
        catalogue,
        items=items,
        sources=catalogue.sources.extended(items),
        item_ids=np.append(catalogue.item_ids, np.array(item_ids, dtype=object)),
        places=catalogue.places | {item_id: place for place, item_id in enumerate(item_ids, first)},
        available_from=np.append(catalogue.available_from, np.full(count, OPEN_BEGIN)),
        available_until=np.append(catalogue.available_until, np.full(count, OPEN_BEGIN)),
        popularity=np.append(catalogue.popularity, np.zeros(count)),
        started=np.append(catalogue.started, np.zeros(count, bool)),
    )


def _rows(states: pa.Table, items: Items) -> pa.Table:
    """What events said of items, as rows of the catalogue; null where they said nothing."""
    schema = items.table.schema
    columns = {name: states[name] for name in schema.names if name in states.column_names}
    columns |= {name: states[name].cast(pa.timestamp("us", "UTC")) for name in TIMES if name in schema.names}
    empty = {field.name: pa.nulls(len(states), field.type) for field in schema if field.name not in columns}
    return pa.table({name: (columns | empty)[name] for name in schema.names}).cast(schema)
