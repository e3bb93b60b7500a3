"""What is written of a batch: keys, packed values and expiries. Rows that no one could read are counted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

from streamrank import clock
from streamrank.stores.packed_view import PackedView
from streamrank.stores.packing import age
from streamrank.stores.packing.errors import FieldMismatch
from streamrank.stores.packing.from_protos import from_protos, key_columns
from streamrank.stores.packing.heads import valid_of

FeastRow = tuple[EntityKey, dict[str, Value], datetime, datetime | None]


@dataclass(frozen=True)
class Written:
    """How many rows of a batch were stored; older than the one there; past twice their TTL; without a key."""

    stored: int
    older: int
    expired: int
    null_keys: int


@dataclass(frozen=True)
class Batch:
    """keys, values: of the rows to write. expire_ms: int64, milliseconds from now, 0 for never, or None where none
    expires. expired, null_keys: how many rows were left out."""

    keys: pa.LargeBinaryArray
    values: pa.LargeBinaryArray
    expire_ms: np.ndarray | None
    expired: int
    null_keys: int

    def slices(self, rows: int) -> list[tuple[pa.LargeBinaryArray, pa.LargeBinaryArray, np.ndarray | None]]:
        """Keys, values and expiries, at most `rows` of them at a time."""
        spans = [slice(start, start + rows) for start in range(0, len(self.keys), rows)]
        return [
            (self.keys[at], self.values[at], None if self.expire_ms is None else self.expire_ms[at]) for at in spans
        ]

    def written(self, verdicts: Sequence[np.ndarray]) -> Written:
        """The count, once the server has said of each row whether it was stored."""
        stored = int(sum(int(each.sum()) for each in verdicts))
        return Written(stored, len(self.keys) - stored, self.expired, self.null_keys)


def batch(view: PackedView, keys: pa.LargeBinaryArray, columns: Mapping[str, Any], event_us: np.ndarray,
          created_us: np.ndarray) -> Batch:  # fmt: skip
    """Packs every row before any is written, so that a batch with a value that does not fit writes nothing."""
    values = view.pack(columns, event_us, created_us)
    keyed, now_us = valid_of(keys), clock.now_us()
    fresh = age.kept(view.ttl_us, event_us, now_us)
    chosen = keyed & fresh
    expire_ms = age.expire_ms(view.ttl_us, event_us, now_us)
    if not chosen.all():
        rows = pa.array(np.flatnonzero(chosen))
        keys, values = keys.take(rows), values.take(rows)
        expire_ms = None if expire_ms is None else expire_ms[chosen]
    return Batch(keys, values, expire_ms, int((keyed & ~fresh).sum()), int((~keyed).sum()))


def batch_of_rows(view: PackedView, rows: Sequence[FeastRow]) -> Batch:
    """A batch of Feast's rows: keys and values as protobufs, times as datetimes, naive ones in UTC."""
    entity_keys, features, events, created = zip(*rows, strict=True)
    event_us = _microseconds(view, events)
    created_us = np.where([_is_null(moment) for moment in created], event_us, 0)
    known = [at for at, moment in enumerate(created) if not _is_null(moment)]
    created_us[known] = _microseconds(view, [created[at] for at in known])
    columns = {name: _column(view, name, [row.get(name) for row in features]) for name in view.kinds}
    return batch(view, keys_of(view, entity_keys), columns, event_us, created_us)


def keys_of(view: PackedView, entity_keys: Sequence[EntityKey]) -> pa.LargeBinaryArray:
    """The keys of Feast's entity keys, null where a component is null; FieldMismatch where they do not fit the view."""
    return view.keys_of(named(view, lambda: key_columns(entity_keys)), len(entity_keys))


def named(view: PackedView, convert: Callable[[], Any], feature: str = "") -> Any:
    """What `convert` returns; its FieldMismatch with the names of view and feature."""
    try:
        return convert()
    except FieldMismatch as error:
        where = f"feature view {view.name!r}" + (f", feature {feature!r}" if feature else "")
        raise FieldMismatch(f"{where}: {error}; correct the source or the Field's dtype") from error


def _column(view: PackedView, name: str, values: list[Value | None]) -> Any:
    return named(view, lambda: from_protos(view.kinds[name], values), name)


def _microseconds(view: PackedView, moments: Sequence[datetime]) -> np.ndarray:
    try:
        return np.array([clock.microseconds(moment) for moment in moments], np.int64)
    except (TypeError, ValueError, AttributeError) as error:
        wrong = next(
            (at for at, moment in enumerate(moments) if not isinstance(moment, datetime) or _is_null(moment)), 0
        )
        raise FieldMismatch(
            f"feature view {view.name!r}: expected a datetime in each row, found {moments[wrong]!r} in row {wrong}; "
            f"correct the timestamp column of its source"
        ) from error


def _is_null(moment: datetime | None) -> bool:
    return moment is None or moment is pd.NaT
