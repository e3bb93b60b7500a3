"""The rows of a request: its columns, the scalars among them, and which distinct keys they make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

SAMPLE = 128


@dataclass(frozen=True)
class Distinct:
    """The distinct keys of the rows. columns: [keys] each. places: int64 [rows] into them, -1 where a part is null;
    None where each row has its own, in order."""

    columns: Mapping[str, pa.Array]
    keys: int
    rows: int
    places: np.ndarray | None

    def over_rows(self, values: np.ndarray, missing: Any) -> np.ndarray:
        """[rows, ...] of values [keys, ...], `missing` where a key is null."""
        if self.places is None:
            return values
        if self.keys == 1 and not self.places.any():
            return np.broadcast_to(values, (self.rows, *values.shape[1:]))
        if not self.keys:
            return np.full((self.rows, *values.shape[1:]), missing, values.dtype)
        spread = values[self.places]
        spread[self.places < 0] = missing
        return spread

    def at(self, places: np.ndarray) -> "Distinct":
        """Of some of the rows only."""
        return Distinct(
            self.columns, self.keys, len(places), np.asarray(places) if self.places is None else self.places[places]
        )

    def column_over_rows(self, column: pa.Array) -> pa.Array:
        """[rows] of an Arrow column [keys], null where a key is null."""
        if self.places is None:
            return column
        return column.take(pa.array(self.places, mask=self.places < 0))


@dataclass
class Rows:
    """columns: name -> values [count], or [1] where the name is among `constant`: one value for all rows.

    added: the names that were not given but found out.
    """

    count: int
    columns: dict[str, pa.Array]
    constant: set[str]

    def __post_init__(self) -> None:
        self.added: set[str] = set()
        self._distinct: dict[tuple[str, ...], Distinct] = {}
        self._first: dict[tuple[str, ...], tuple[pa.Array | None, np.ndarray | None]] = {}

    def add(self, name: str, column: pa.Array, constant: bool) -> None:
        """A further column [count], or [1] of one value for all rows."""
        self.columns[name] = column
        self.added.add(name)
        self.constant |= {name} if constant else set()

    def whole(self, name: str) -> pa.Array:
        """The column [count]."""
        column = self.columns[name]
        return pa.repeat(column[0], self.count) if name in self.constant else column

    def distinct(self, names: Sequence[str]) -> Distinct:
        """The distinct tuples of these columns."""
        wanted = tuple(sorted(names))
        if wanted not in self._distinct:
            self._distinct[wanted] = self._distinguish(wanted)
        return self._distinct[wanted]

    def _distinguish(self, names: tuple[str, ...]) -> Distinct:
        varying = tuple(name for name in names if name not in self.constant)
        if not varying and self.count == 1:
            return Distinct({name: self.columns[name] for name in names}, 1, 1, None)
        if not varying:
            return Distinct({name: self.columns[name] for name in names}, 1, self.count, np.zeros(self.count, np.int64))
        if varying != names:  # what varies alone is the same for views with other constant keys, or none
            alone = self.distinct(varying)
            constant = {name: pa.repeat(self.columns[name][0], alone.keys) for name in names if name in self.constant}
            return Distinct({**alone.columns, **constant}, alone.keys, self.count, alone.places)
        first, places = self._firsts(varying)
        columns = {name: self.columns[name] if first is None else self.columns[name].take(first) for name in varying}
        keys = self.count if first is None else len(first)
        return Distinct(columns, keys, self.count, places)

    def _firsts(self, names: tuple[str, ...]) -> tuple[pa.Array | None, np.ndarray | None]:
        """As `_distinct`, of several columns; views that differ in constant keys only share it."""
        if len(names) == 1 and self._seldom_twice(names[0]):
            return None, None
        if names not in self._first:
            self._first[names] = _distinct(self._encoded(names[0])) if len(names) == 1 else self._tuples(names)
        return self._first[names]

    def _seldom_twice(self, name: str) -> bool:
        """Whether a given column's first values are all different, so that looking for equal ones costs more than it
        saves: a value that comes twice all the same is asked for twice. Creators and topics of items do come twice."""
        column = self.columns[name]
        if name in self.added or column.null_count:
            return False
        return len(self._encoded(name, SAMPLE).dictionary) == min(SAMPLE, len(column))

    def _encoded(self, name: str, rows: int | None = None) -> pa.DictionaryArray:
        try:
            return self.columns[name][:rows].dictionary_encode()
        except pa.ArrowNotImplementedError as error:
            raise ValueError(
                f"join key {name!r}: expected text, integers, bytes or times, found {self.columns[name].type}"
            ) from error

    def _tuples(self, names: Sequence[str]) -> tuple[pa.Array, np.ndarray]:
        codes, null = np.zeros(self.count, np.int64), np.zeros(self.count, bool)
        for name in names:
            encoded = self._encoded(name)
            own = np.asarray(encoded.indices.fill_null(-1), np.int64)
            null |= own < 0
            _, codes = np.unique(codes * (len(encoded.dictionary) + 1) + own, return_inverse=True)
        known = np.flatnonzero(~null)
        _, first, inverse = np.unique(codes[known], return_index=True, return_inverse=True)
        places = np.full(self.count, -1, np.int64)
        places[known] = inverse
        return pa.array(known[first]), places


def rows_of(given: Mapping[str, Any]) -> Rows:
    """Of columns and scalars by name; ValueError, naming it, where one is no column or their lengths differ."""
    made = {name: _column(name, values) for name, values in given.items()}
    lengths = {name: len(column) for name, (column, constant) in made.items() if not constant}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"expected columns of one length, or single values, found lengths {lengths}")
    constant = {name for name, (_, single) in made.items() if single}
    return Rows(
        next(iter(lengths.values()), 1 if made else 0), {name: column for name, (column, _) in made.items()}, constant
    )


def _column(name: str, values: Any) -> tuple[pa.Array, bool]:
    """The values as an Arrow array, and whether it is one value for all rows."""
    if isinstance(values, pa.ChunkedArray):
        return values.combine_chunks(), False
    if isinstance(values, pa.Array):
        return values, False
    if isinstance(values, pa.Scalar):
        values = values.as_py()
    elif isinstance(values, np.ndarray) and not values.ndim:
        values = values[()]
    single = isinstance(values, str | bytes) or not hasattr(values, "__len__")
    try:
        return pa.array([values] if single else values), single
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise ValueError(f"{name!r}: expected values of one type, found {values!r:.200}: {error}") from error


def _distinct(encoded: pa.DictionaryArray) -> tuple[pa.Array | None, np.ndarray | None]:
    """Rows that hold each distinct value first, and the place of each row's value among them; None, None where no
    value comes twice and none is null."""
    if len(encoded.dictionary) == len(encoded):
        return None, None
    indices = encoded.indices.fill_null(-1) if encoded.null_count else encoded.indices
    places = np.asarray(indices, np.int64)
    first = np.full(len(encoded.dictionary), len(encoded), np.int64)
    known = np.flatnonzero(places >= 0)[::-1]
    first[places[known]] = known
    return pa.array(first), places
