"""What is asked of a view's events: its slots, each over a window."""

from dataclasses import dataclass

from streamrank.windows.slots import Feature, Slot

TOTALS = ("count", "sum")


@dataclass(frozen=True)
class Window:
    """slides: the length in slides; the window covers slides + 1 tiles. Both None: a lifetime."""

    slide_us: int | None = None
    slides: int | None = None


LIFETIME = Window()


@dataclass(frozen=True)
class Measure:
    """One slot over one window; a mean is two of them."""

    slot: Slot
    window: Window

    @property
    def total(self) -> bool:
        """Whether it can be taken back: a count or a sum, not a least, greatest or last value."""
        return self.slot.function in TOTALS


def window_of(feature: Feature) -> Window:
    return Window(feature.slide_us, feature.window_us // feature.slide_us) if feature.window_us else LIFETIME


def measures_of(feature: Feature) -> tuple[Measure, ...]:
    return tuple(Measure(slot, window_of(feature)) for slot in feature.slots)
