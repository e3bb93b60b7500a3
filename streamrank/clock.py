"""The one clock: what "now" is for requests, arrivals, TTLs, expiry and what is on air.

Times are UTC instants in whole microseconds since the epoch. The wall clock is the default; replays and tests inject a
virtual one with `use`, and another process is started under a fixed instant with `STREAMRANK_NOW`.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR


class Clock(Protocol):
    def now_us(self) -> int:
        """The present instant, microseconds since the epoch, UTC."""
        ...


class WallClock:
    def now_us(self) -> int:
        return time.time_ns() // 1_000


@dataclass
class VirtualClock:
    """A clock that stands still until it is moved."""

    instant_us: int

    def now_us(self) -> int:
        return self.instant_us

    def advance_to(self, instant_us: int) -> None:
        """Moves to `instant_us`; ValueError when that lies in this clock's past."""
        if instant_us < self.instant_us:
            raise ValueError(f"the clock stands at {self.instant_us} us and cannot go back to {instant_us} us")
        self.instant_us = instant_us


class StampRefused(ValueError):
    """STREAMRANK_NOW is no instant."""


def _initial() -> Clock:
    stamp = os.environ.get("STREAMRANK_NOW")
    try:
        return VirtualClock(microseconds(datetime.fromisoformat(stamp))) if stamp else WallClock()
    except ValueError:
        raise StampRefused(
            f"STREAMRANK_NOW (the instant at which the clock stands): expected an instant such as 2026-03-01T12:00:00, "
            f"found {stamp!r}; correct the variable, or unset it for the present"
        ) from None


def microseconds(moment: datetime) -> int:
    """`moment` as microseconds since the epoch; a naive one is read as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    delta = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds


def now_us() -> int:
    """The present instant of the injected clock, microseconds since the epoch, UTC."""
    return _clock.now_us()


def now() -> datetime:
    """The present instant of the injected clock, as an aware UTC datetime."""
    return moment(now_us())


def moment(instant_us: int) -> datetime:
    """Microseconds since the epoch as an aware UTC datetime; the inverse of `microseconds`."""
    seconds, rest = divmod(instant_us, SECOND)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def is_wall() -> bool:
    """Whether now is the time of the world outside, by which servers measure too."""
    return isinstance(_clock, WallClock)


@contextmanager
def use(clock: Clock) -> Iterator[Clock]:
    """Injects `clock` for the length of the block."""
    global _clock
    before, _clock = _clock, clock
    try:
        yield clock
    finally:
        _clock = before


_clock: Clock = _initial()
