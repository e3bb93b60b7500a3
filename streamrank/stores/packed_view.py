"""How the rows of one feature view lie in the online store: their keys, their layout, columns to bytes and back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from feast import FeatureView
from feast.feature_view import DUMMY_ENTITY_ID
from feast.infra.online_stores.helpers import compute_versioned_name
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.types import FeastType

from streamrank.stores.packing import columns as packed
from streamrank.stores.packing import keys as key_bytes
from streamrank.stores.packing import single
from streamrank.stores.packing.columns import Part, Stored
from streamrank.stores.packing.errors import CorruptValue, FieldMismatch, MissingKey
from streamrank.stores.packing.found import Rows, Unpacked
from streamrank.stores.packing.from_arrow import from_arrow
from streamrank.stores.packing.heads import Heads, heads_of
from streamrank.stores.packing.kinds import Form, Kind, kind_of
from streamrank.stores.packing.layout import Layout
from streamrank.stores.packing.matrix import NUMERIC, Run, fill, runs
from streamrank.stores.packing.to_arrow import to_arrow

Typed = tuple[tuple[str, FeastType], ...]
Keys = pa.LargeBinaryArray | Callable[[], pa.LargeBinaryArray] | None
Values = pa.LargeBinaryArray | Heads
"""Rows as they are stored; with their heads where those were read with others'."""
_LONGEST_TTL = 2**61  # microseconds, so that twice as many fit 64 bits


@dataclass(frozen=True)
class PackedView:
    """name: of the view, with its version where the store keeps versions. prefix: of its rows' keys.

    layouts_key: of the hash of its layouts. join_keys: sorted, without the one of views that have none. ttl_us: 0 where
    rows never age.
    """

    name: str
    prefix: bytes
    layouts_key: bytes
    join_keys: tuple[str, ...]
    layout: Layout
    ttl_us: int
    kinds: dict[str, Kind]
    key_types: dict[str, FeastType]
    _numeric: set[tuple[str, ...]] = field(default_factory=set, compare=False, repr=False)
    _copies: dict[tuple[int, tuple[str, ...]], tuple[Run, ...]] = field(default_factory=dict, compare=False, repr=False)

    @staticmethod
    def of(project: str, view: FeatureView | OnDemandFeatureView, versioning: bool) -> "PackedView":
        """How `view` lies in the store; cheap when asked again. TypeError for a feature whose type holds no value."""
        fields = tuple((each.name, each.dtype) for each in view.features)
        join_keys = tuple((each.name, each.dtype) for each in view.entity_columns if each.name != DUMMY_ENTITY_ID)
        return _built(project, compute_versioned_name(view, versioning), fields, join_keys, getattr(view, "ttl", None))

    def keys(self, columns: Mapping[str, Any], rows: int = 1) -> pa.LargeBinaryArray:
        """The keys of rows whose join keys are `columns`: Arrow arrays, or what Arrow makes one of, of one length.

        Null where a component is null. rows: how many, for a view without join keys. MissingKey where a join key is not
        given, FieldMismatch where its values do not fit its declared type.
        """
        return self.with_prefix(self.key_ends(columns, rows))

    def key_ends(self, columns: Mapping[str, Any], rows: int = 1) -> pa.LargeBinaryArray:
        """What the `keys` end with: the same for every view that has the same `key_types`. A column of one value is
        that of all rows."""
        if missing := [name for name in self.join_keys if name not in columns]:
            wanted = f"expected join keys {[*self.join_keys]}, found {[*columns]}"
            raise MissingKey(f"feature view {self.name!r}: {wanted}; add {missing}")
        ends = [self.key_end(name, columns[name]) for name in self.join_keys]
        return key_bytes.together(ends, _rows_of(ends, rows))

    def key_end(self, name: str, values: Any) -> pa.LargeBinaryArray:
        """The part of `key_ends` that one join key makes: the same for every view where it has the same type."""
        try:
            return key_bytes.end_of(key_bytes.component(name, self.key_types[name], values))
        except FieldMismatch as error:
            where = f"feature view {self.name!r}, {error}"
            raise FieldMismatch(f"{where}; correct the values or the entity's type") from error

    def with_prefix(self, ends: pa.LargeBinaryArray) -> pa.LargeBinaryArray:
        """The keys that end with what `key_ends` gave of a view with the same `key_types`."""
        return key_bytes.with_prefix(self.prefix, ends)

    def keys_of(self, columns: Mapping[str, pa.Array], rows: int) -> pa.LargeBinaryArray:
        """As `keys`; where the view declares no join keys, those of `columns`, in types as `key_columns` gives them."""
        given = {name: columns[name] for name in sorted(columns) if name != DUMMY_ENTITY_ID}
        if self.join_keys or not given:
            return self.keys(given, rows)
        return key_bytes.entity_keys(self.prefix, list(given.values()), rows)

    def pack(
        self, columns: Mapping[str, pa.Array | Stored], event_us: np.ndarray, created_us: np.ndarray
    ) -> pa.LargeBinaryArray:
        """The packed rows of whole columns, one for each feature; event_us, created_us: int64 [n].

        FieldMismatch, which names the feature, where a column is missing or does not fit its Field.
        """
        stored = [self._stored(slot.name, columns) for slot in self.layout.fields]
        return packed.pack(self.layout, stored, event_us, created_us)

    def rows(
        self, values: Values, names: Sequence[str], layouts: Mapping[int, Layout],
        keys: Keys = None,
    ) -> Rows:  # fmt: skip
        """What `values` [n], null where there is none, hold of the features `names`.

        layouts: by id, at least those of the values. keys: of the values, or what makes them, for messages.
        CorruptValue where a value cannot be read.
        """
        heads = _headed(values)
        with self.naming(keys):
            found = packed.parts(heads, layouts)
            stored, known = {}, {}
            for name in names:
                stored[name], known[name] = self._assembled(name, found, len(heads))
        return Rows(heads.found, heads.event_us, heads.created_us, stored, known)

    def unpack(
        self, values: Values, names: Sequence[str], layouts: Mapping[int, Layout],
        keys: Keys = None,
    ) -> Unpacked:  # fmt: skip
        """As `rows`, as Arrow arrays of the declared types."""
        heads = _headed(values)
        if len(heads) == 1 and heads.all and all(single.read_so(self.kinds[name]) for name in names):
            with self.naming(keys):
                return self._unpacked_one(heads, names, layouts)
        rows = self.rows(heads, names, layouts, keys)
        with self.naming(keys):
            arrays = {name: self._array(name, rows) for name in names}
        return Unpacked(rows.found, rows.event_us, rows.created_us, arrays, rows.known)

    def matrix(
        self, values: Values, names: Sequence[str], layouts: Mapping[int, Layout],
        keys: Keys = None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
        """float32 [n, len(names)] of numeric and bool features, NaN where missing; found, event_us and created_us [n].

        Arguments and errors as of `rows`; TypeError for a feature of another type.
        """
        wanted, heads = tuple(names), _headed(values)
        self._require_numbers(wanted)
        with self.naming(keys):
            found = packed.parts(heads, layouts)
        copies = [self._runs(part.layout, wanted) for part in found]
        whole = bool(found) and found[0].rows is None and sum(run.count for run in copies[0]) == len(wanted)
        matrix = np.empty((len(heads), len(wanted)), np.float32)
        if not whole:
            matrix.fill(np.nan)
        for part, steps in zip(found, copies, strict=True):
            fill(matrix, part, steps)
        return matrix, heads.found, heads.event_us, heads.created_us

    def _unpacked_one(self, heads: Heads, names: Sequence[str], layouts: Mapping[int, Layout]) -> Unpacked:
        """As `unpack`, of one value that is there, and lists only."""
        (part,) = packed.parts(heads, layouts)
        row, layout, arrays, known = part.data[part.starts[0] :][: part.lengths[0]].tobytes(), part.layout, {}, {}
        for name in names:
            kind, known[name] = self.kinds[name], np.full(1, layout.has(name, self.kinds[name].name))
            arrays[name] = single.list_of(kind, row, layout, name) if known[name] else pa.nulls(1, kind.arrow)
        return Unpacked(heads.found, heads.event_us, heads.created_us, arrays, known)

    def _array(self, name: str, rows: Rows) -> pa.Array:
        kind, stored = self.kinds[name], rows.stored[name]
        if kind.arrow is not None and not np.count_nonzero(stored.valid):  # most users hid nothing, and follow nobody
            return pa.nulls(len(stored.valid), kind.arrow)
        return to_arrow(kind, stored)

    def _require_numbers(self, names: tuple[str, ...]) -> None:
        if names in self._numeric:
            return
        wrong = [f"{name} ({self.kinds[name].name})" for name in names if self.kinds[name].name not in NUMERIC]
        if wrong:
            raise TypeError(f"feature view {self.name!r}: a matrix holds numbers and bools, found {', '.join(wrong)}")
        self._numeric.add(names)

    def _runs(self, layout: Layout, names: tuple[str, ...]) -> tuple[Run, ...]:
        """Found out once a layout and question: hashing fields and types at each read costs more than the copying."""
        asked = (layout.id, names)
        if asked not in self._copies:
            self._copies[asked] = runs(layout, [(name, self.kinds[name]) for name in names])
        return self._copies[asked]

    def _stored(self, name: str, columns: Mapping[str, pa.Array | Stored]) -> Stored:
        column = columns.get(name)
        where = f"feature view {self.name!r}, feature {name!r}"
        if column is None:
            raise FieldMismatch(f"{where}: expected a column, found {sorted(columns)}; add it to the source")
        if isinstance(column, Stored):
            return column
        try:
            return from_arrow(self.kinds[name], column)
        except FieldMismatch as error:
            raise FieldMismatch(f"{where}: {error}; correct the source or the Field's dtype") from error

    def _assembled(self, name: str, found: Sequence[Part], n: int) -> tuple[Stored, np.ndarray]:
        kind = self.kinds[name]
        held = [part for part in found if part.layout.has(name, kind.name)]
        read = packed.number if kind.form is Form.NUMBER else packed.blob
        pieces = [read(part, name, kind.dtype) if kind.form is Form.NUMBER else read(part, name) for part in held]
        return packed.assembled(kind, [part.rows for part in held], pieces, n)

    @contextmanager
    def naming(self, keys: Keys = None) -> Iterator[None]:
        """Adds the names of the view and, where given, of the key to a CorruptValue, and what to do."""
        try:
            yield
        except CorruptValue as error:
            known = keys() if callable(keys) else keys
            key = f", key {known[error.row].as_py()!r}" if known is not None and error.row is not None else ""
            raise CorruptValue(
                f"feature view {self.name!r}{key}: {error.problem}; materialize the view again", error.row
            ) from error


@lru_cache(maxsize=1024)
def _built(project: str, name: str, fields: Typed, join_keys: Typed, ttl: timedelta | None) -> PackedView:
    key_types = dict(join_keys)
    return PackedView(
        name=name,
        prefix=key_bytes.view_prefix(project, name),
        layouts_key=key_bytes.layouts_key(project, name),
        join_keys=tuple(sorted(key_types)),
        layout=Layout.of(fields),
        ttl_us=min(ttl // timedelta(microseconds=1), _LONGEST_TTL) if ttl else 0,
        kinds={feature: kind_of(dtype) for feature, dtype in fields},
        key_types=key_types,
    )


def _rows_of(components: Sequence[pa.Array], otherwise: int) -> int:
    """How many rows these make, where those of one value are of every row; `otherwise` without any."""
    return next((len(array) for array in components if len(array) != 1), 1) if components else otherwise


def _headed(values: Values) -> Heads:
    return values if isinstance(values, Heads) else heads_of(values)
