"""The parts of a windowed view: what a tile stores, rings of tiles, and the features answered from them."""

from dataclasses import dataclass
from typing import Literal

from feast.types import FeastType

FUNCTIONS = ("count", "sum", "min", "max", "last")


@dataclass(frozen=True, order=True)
class Slot:
    """One aggregate of one column, as a tile or a lifetime stores it; a mean is a sum and a count."""

    function: Literal["count", "sum", "min", "max", "last"]
    column: str


@dataclass(frozen=True)
class Ring:
    """Tiles of `slide_us` microseconds each. tiles: of the longest window with this slide; two more are kept."""

    slide_us: int
    tiles: int
    slots: tuple[Slot, ...]


@dataclass(frozen=True)
class Feature:
    """window_us, slide_us: None for a lifetime aggregation."""

    name: str
    function: Literal["count", "sum", "mean", "min", "max", "last"]
    column: str
    window_us: int | None
    slide_us: int | None
    dtype: FeastType

    @property
    def slots(self) -> tuple[Slot, ...]:
        functions = ("sum", "count") if self.function == "mean" else (self.function,)
        return tuple(Slot(function, self.column) for function in functions)
