"""The layout of a packed row: which feature lies where.

    [0:8] layout id, uint64   [8:16] event timestamp, int64 us   [16:24] created, int64 us
    presence bits in the declared order, padded to 8 bytes
    fixed-width columns by width 8, 4, 1, then by the declared order; a null is NaN in a float column, else 0
    a uint32 end for each variable-width column, relative to the start of the variable part, which follows

Everything is little-endian. The id is a hash of the layout, so that equal declarations share one and a value says how
it is to be read.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from feast.types import FeastType

from streamrank.stores.packing.errors import CorruptValue
from streamrank.stores.packing.kinds import kind_of

HEADER = 24
_VERSION = 1


@dataclass(frozen=True)
class Slot:
    """name: of the feature. type: as Feast writes it. width: bytes, 0 where they vary."""

    name: str
    type: str
    width: int


@dataclass(frozen=True, eq=False)
class Layout:
    """The features of a view in their declared order. Layouts with equal slots are equal."""

    fields: tuple[Slot, ...]

    @staticmethod
    def of(fields: Iterable[tuple[str, FeastType]]) -> "Layout":
        """The layout of a view's features, names and types; TypeError for a feature without a type."""
        kinds = [(name, kind_of(dtype)) for name, dtype in fields]
        return Layout(tuple(Slot(name, kind.name, kind.width) for name, kind in kinds))

    @staticmethod
    def parse(text: bytes | str) -> "Layout":
        """The layout written by `to_json`; CorruptValue for anything else."""
        try:
            found = json.loads(text)
            if found["version"] != _VERSION:
                raise CorruptValue(f"layout of version {found['version']}, expected {_VERSION}")
            slots = tuple(Slot(str(name), str(kind), int(width)) for name, kind, width in found["fields"])
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptValue(f"a layout that cannot be read ({error}): {text[:80]!r}") from error
        return Layout(slots)

    def to_json(self) -> str:
        """The canonical text, whose hash is the id."""
        fields = [[slot.name, slot.type, slot.width] for slot in self.fields]
        return json.dumps({"version": _VERSION, "fields": fields}, separators=(",", ":"))

    @cached_property
    def id(self) -> int:
        digest = hashlib.blake2b(self.to_json().encode()).digest()
        return int.from_bytes(digest[:8], "little")

    def __hash__(self) -> int:
        return hash(self.id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Layout) and self.fields == other.fields

    @cached_property
    def positions(self) -> dict[str, int]:
        """Of each feature in the declared order, which is that of the presence bits."""
        return {slot.name: at for at, slot in enumerate(self.fields)}

    @property
    def presence_bytes(self) -> int:
        return -(-len(self.fields) // 64) * 8

    @cached_property
    def offsets(self) -> dict[str, int]:
        """Of each fixed-width column, in bytes from the start of a row."""
        found, at = {}, HEADER + self.presence_bytes
        for width in (8, 4, 1):
            for slot in self.fields:
                if slot.width == width:
                    found[slot.name], at = at, at + width
        return found

    @cached_property
    def variable(self) -> dict[str, int]:
        """Of each variable-width column, its place among them."""
        return {name: at for at, name in enumerate(slot.name for slot in self.fields if not slot.width)}

    @cached_property
    def ends_offset(self) -> int:
        """Where the ends of the variable-width columns are written."""
        return HEADER + self.presence_bytes + sum(slot.width for slot in self.fields)

    @cached_property
    def fixed_size(self) -> int:
        """Bytes of a row before its variable part."""
        return self.ends_offset + 4 * len(self.variable)

    def has(self, name: str, kind: str) -> bool:
        """Whether the layout holds the feature with exactly that type."""
        at = self.positions.get(name)
        return at is not None and self.fields[at].type == kind


def strided(rows: np.ndarray, offset: int, dtype: np.dtype | str, count: int = 0) -> np.ndarray:
    """A view of one column, or of `count` adjacent ones, of `rows`, a contiguous uint8 [n, size] matrix."""
    element = np.dtype(dtype)
    shape = (len(rows), count) if count else (len(rows),)
    strides = (rows.shape[1], element.itemsize) if count else (rows.shape[1],)
    if not len(rows):
        return np.empty(shape, element)
    return np.ndarray(shape, element, buffer=rows, offset=offset, strides=strides)
