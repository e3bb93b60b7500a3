"""Feast's reads: the keys that several views are asked for, one response of what was found, built by whole columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus, GetOnlineFeaturesResponse
from feast.protos.feast.types.Value_pb2 import Value

from streamrank import clock
from streamrank.stores.packed_view import PackedView, Rows
from streamrank.stores.packing import age
from streamrank.stores.packing.columns import masked
from streamrank.stores.packing.from_arrow import from_arrow
from streamrank.stores.packing.from_protos import key_column
from streamrank.stores.packing.heads import valid_of
from streamrank.stores.packing.layout import Layout
from streamrank.stores.packing.to_protos import add_empty, add_vector, time_bytes, values_of
from streamrank.stores.packing.writing import named
from streamrank.stores.windowed import Windows
from streamrank.windows.finishing import finish_columns

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PRESENT, NOT_FOUND, OUTSIDE_MAX_AGE = FieldStatus.PRESENT, FieldStatus.NOT_FOUND, FieldStatus.OUTSIDE_MAX_AGE


@dataclass(frozen=True)
class Asked:
    """One view's part of a request. table: Feast's view. names: of the features. places: of each row's key in `keys`,
    null where its key is; a key that several rows share is there once. windows: of a view over events, else None."""

    view: PackedView
    table: Any
    names: Sequence[str]
    keys: pa.LargeBinaryArray
    places: pa.Array
    windows: Windows | None


def asked(
    view: PackedView, table: Any, names: Sequence[str], keys: pa.LargeBinaryArray, windows: Windows | None
) -> Asked:
    """The part that asks `names` of one view for the rows with these keys."""
    encoded = keys.dictionary_encode()
    return Asked(view, table, names, encoded.dictionary, encoded.indices, windows)


def keys_of_columns(
    view: PackedView, columns: Mapping[str, Sequence[Value]], arrays: dict[int, pa.Array]
) -> pa.LargeBinaryArray:
    """The keys of Feast's join key columns. arrays: those made before in the same request, which views share."""
    for name, values in columns.items():
        if id(values) not in arrays:
            arrays[id(values)] = named(view, lambda name=name, values=values: key_column(name, values))
    rows = len(next(iter(columns.values()), ()))
    return view.keys_of({name: arrays[id(values)] for name, values in columns.items()}, rows)


def add_part(response: GetOnlineFeaturesResponse, part: Asked, values: pa.LargeBinaryArray | None,
             layouts: Mapping[int, Layout], full_names: bool) -> None:  # fmt: skip
    """Adds one view's features to a response; values: of the part's keys, None where no windows are filled."""
    view, held = part.view, [name for name in part.names if name in part.view.kinds]
    rows, states = _rows(part, held, values, layouts)
    times, present = time_bytes(rows.event_us, states != NOT_FOUND), 0
    prefix = f"{part.table.projection.name_to_use()}__" if full_names else ""
    response.metadata.feature_names.val.extend(f"{prefix}{name}" for name in part.names)
    for name in part.names:
        if name not in rows.known:
            add_empty(response, len(states), NOT_FOUND, times)
            continue
        statuses = np.where(rows.known[name], states, NOT_FOUND).astype(np.uint8)
        shown = statuses == PRESENT
        present += int(shown.sum())
        with view.naming():
            add_vector(response, view.kinds[name], masked(rows.stored[name], shown), statuses, times)
    _track(part.table.name, present, len(states) * len(part.names) - present)


def add_version(response: GetOnlineFeaturesResponse, table: Any) -> None:
    """Adds the view's version to a response, once."""
    name = table.projection.name_alias or table.projection.name
    known = response.metadata.feature_view_metadata
    if all(each.name != name for each in known):
        known.add(name=name, version=getattr(table, "current_version_number", 0) or 0)


def feast_rows(part: Asked, values: pa.LargeBinaryArray | None,
               layouts: Mapping[int, Layout]) -> list[tuple[datetime | None, dict[str, Value] | None]]:  # fmt: skip
    """One view's rows as `online_read` gives them: (event timestamp, values), (event timestamp, None) where the row is
    older than its TTL, (None, None) where there is none."""
    view = part.view
    held = [name for name in part.names if name in view.kinds]
    rows, states = _rows(part, held, values, layouts)
    with view.naming():
        columns = {name: values_of(view.kinds[name], rows.stored[name]) for name in held}
    known = {name: rows.known[name].tolist() for name in held}
    return [
        (None, None) if state == NOT_FOUND else (
            EPOCH + timedelta(microseconds=event_us),
            {name: columns[name][at] for name in held if known[name][at]} if state == PRESENT else None,
        )
        for at, (state, event_us) in enumerate(zip(states.tolist(), rows.event_us.tolist(), strict=True))
    ]  # fmt: skip


def _rows(
    part: Asked, names: Sequence[str], values: pa.LargeBinaryArray | None, layouts: Mapping[int, Layout]
) -> tuple[Rows, np.ndarray]:
    """What the rows hold of `names` now, and uint8 [n] of Feast's FieldStatus."""
    now_us = clock.now_us()
    if part.windows and part.windows.window:
        rows = _finished(part, names, values, now_us)
        return rows, np.where(rows.found, PRESENT, NOT_FOUND).astype(np.uint8)
    rows = part.view.rows(values.take(part.places), names, layouts, part.keys.take(part.places))
    return rows, age.states(part.view.ttl_us, rows.found, rows.event_us, now_us)


def _finished(part: Asked, names: Sequence[str], values: pa.LargeBinaryArray | None, now_us: int) -> Rows:
    """Windows as rows of this instant; none are found where none are filled."""
    found = np.zeros(len(part.places), np.bool_) if values is None else valid_of(part.places)
    empty = pa.nulls(len(part.keys), pa.large_binary()) if values is None else values
    columns = finish_columns(part.windows.window, empty, names, now_us)
    stored = {
        name: named(part.view, lambda name=name: from_arrow(part.view.kinds[name], columns[name].take(part.places)))
        for name in names
    }
    return Rows(found, np.where(found, now_us, 0), np.where(found, now_us, 0), stored, dict.fromkeys(names, found))


def _track(view: str, present: int, absent: int) -> None:
    from feast.metrics import track_feature_statuses  # sets up Prometheus when it is imported

    track_feature_statuses(view, present, absent)
