"""A windowed view as the engine runs it: its keys, what it stores, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from feast.types import FeastType

from streamrank.windows.layout import Layout, layout_of
from streamrank.windows.slots import Feature, Ring, Slot
from streamrank.windows.source import EventSource


@dataclass(frozen=True)
class WindowedView:
    """join_keys: sorted by name. rings: ascending by slide. lifetime: what is aggregated without a window.

    scales: steps a unit of each column in fixed point. fingerprint: of everything that changes stored values, so
    that a changed declaration never reads tiles of the old one. ttl_us: how long an idle key is kept, 0 for ever.
    """

    name: str
    join_keys: tuple[str, ...]
    key_types: Mapping[str, FeastType]
    source: EventSource
    features: tuple[Feature, ...]
    rings: tuple[Ring, ...]
    lifetime: tuple[Slot, ...]
    scales: Mapping[str, int]
    fingerprint: str
    ttl_us: int

    @cached_property
    def layout(self) -> Layout:
        """How its values lie."""
        return layout_of(self.rings, self.lifetime)

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Everything stored, each once; `event_rows` gives a column for each."""
        return tuple(sorted({slot for ring in self.rings for slot in ring.slots} | set(self.lifetime)))
