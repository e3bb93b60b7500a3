"""What everybody watches lately: acts counted with a decay, so that an act of one half-life ago counts half.

`recent_at` gives `Moment.recent` offline for any instants, `recent_from_windows` gives it online from Feast's windows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from models.interactions import Interactions
from models.items import Items
from models.retrieval.source import Found, StepsAside, best
from models.viewer import Moment, Viewer

HALF_LIVES = 10  # tried, each a fourth of the one before, the first as long as the acts reach
CHECKPOINTS, CELLS = 256, 10_000_000  # at most so many sums, of all items together
ASKED = 400  # acts of the last fifth on which the half-life is chosen


@dataclass(frozen=True)
class Trending:
    """half_life: of `Moment.recent`, in the unit of the acts' times. base: float32 [items], `Moment.recent` at `until`,
    just after the last act, so that a service can go on from there."""

    half_life: float
    until: int = 0
    base: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    name: str = "trending"

    @classmethod
    def fit(cls, acts: Interactions, items: Items) -> "Trending":
        if not len(acts):
            raise StepsAside("trending: needs acts, there are none")
        return cls.of(acts, half_life_of(acts))

    @classmethod
    def of(cls, acts: Interactions, half_life: float) -> "Trending":
        """Of a half-life that was chosen before."""
        until = int(acts.times[-1]) + 1
        return cls(half_life, until, Recent(acts, half_life).at(until))

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        scores = np.where(moment.recent > 0, moment.recent, np.float32(np.nan))
        return best(scores, allowed, most)

    def extended(self, items: Items) -> "Trending":
        """Itself: it knows what the moment knows."""
        return self

    def save(self, folder: Path) -> None:
        np.savez(folder / "trending.npz", half_life=self.half_life, until=self.until, base=self.base)

    @classmethod
    def load(cls, folder: Path, items: Items) -> "Trending":
        with np.load(folder / "trending.npz", allow_pickle=False) as stored:
            return cls(float(stored["half_life"]), int(stored["until"]), stored["base"])

    def recent(self, windows: Mapping[int, np.ndarray], now: int) -> np.ndarray:
        """float32 [items]: `Moment.recent` at `now`, of what it was when this was fitted and of what came since.

        windows: as for `recent_from_windows`. What lies between the fit and the longest window is not seen.
        """
        age = max(now - self.until, 0)
        since = recent_from_windows(_within(windows, age), self.half_life) if age else 0
        base = np.zeros(len(next(iter(windows.values()))), np.float32)
        base[: len(self.base)] = self.base[: len(base)] * np.exp2(-age / self.half_life)
        return base + since


class Recent:
    """Decayed counts at any instant, from sums kept at CHECKPOINTS instants and the acts since the one before."""

    def __init__(self, acts: Interactions, half_life: float) -> None:
        self._acts, self._half_life = acts, half_life
        kept = max(1, min(CHECKPOINTS, CELLS // max(1, acts.shape[1])))
        self._step = max(1, -(-len(acts) // kept))
        self._sums = self._checkpoints()

    def at(self, instant: int) -> np.ndarray:
        """float32 [items]: of the acts earlier than `instant`."""
        done = int(np.searchsorted(self._acts.times, instant, "left"))
        kept = done // self._step
        if not done:
            return np.zeros(self._acts.shape[1], np.float32)
        first = kept * self._step
        since = self._sums[kept] * self._decay(instant - self._acts.times[max(first - 1, 0)])
        return (since + self._counted(first, done, instant)).astype(np.float32)

    def _checkpoints(self) -> np.ndarray:
        """float64 [checkpoints, items]: row k is of the first k * step acts, at the time of the last of them."""
        times, step = self._acts.times, self._step
        sums = np.zeros((len(self._acts) // step + 1, self._acts.shape[1]))
        for k in range(1, len(sums)):
            first, end = (k - 1) * step, k * step
            passed = times[end - 1] - times[max(first - 1, 0)]
            sums[k] = sums[k - 1] * self._decay(passed) + self._counted(first, end, times[end - 1])
        return sums

    def _counted(self, first: int, end: int, instant: int) -> np.ndarray:
        weights = self._decay(instant - self._acts.times[first:end])
        return np.bincount(self._acts.items[first:end], weights, minlength=self._acts.shape[1])

    def _decay(self, age: np.ndarray | int) -> np.ndarray:
        return np.exp2(-np.asarray(age, np.float64) / self._half_life)


def recent_at(acts: Interactions, instants: np.ndarray, half_life: float | None = None) -> np.ndarray:
    """float32 [instants, items]: `Moment.recent` at each of the instants; for very many of them, ask `Recent` itself.

    half_life: the one that `half_life_of` chooses, where None.
    """
    recent = Recent(acts, half_life or half_life_of(acts))
    return (
        np.stack([recent.at(int(instant)) for instant in instants]) if len(instants) else np.zeros((0, acts.shape[1]))
    )


def half_life_of(acts: Interactions) -> float:
    """The one under which what was acted on next stood highest, over acts of the last fifth; in the acts' time unit."""
    span = max(1, int(acts.times[-1] - acts.times[0]))
    tried = [span / 4**power for power in range(HALF_LIVES)]
    asked = np.linspace(len(acts) * 4 // 5, len(acts) - 1, min(ASKED, -(-len(acts) // 5))).astype(np.int64)
    return max(tried, key=lambda half_life: _reciprocal_rank(Recent(acts, half_life), acts, asked))


def _reciprocal_rank(recent: Recent, acts: Interactions, asked: np.ndarray) -> float:
    """Mean over the acts asked; equal counts share the middle of their ranks."""
    total = 0.0
    for row in asked:
        counts = recent.at(int(acts.times[row]))
        own = counts[acts.items[row]]
        total += 2 / (np.count_nonzero(counts > own) + np.count_nonzero(counts >= own) + 1)
    return total / max(1, len(asked))


def recent_from_windows(windows: Mapping[int, np.ndarray], half_life: float) -> np.ndarray:
    """float32 [items]: `Moment.recent` from counts in windows that end now. windows: length in us -> counts [items].

    What lies between one window and the next longer one is taken as spread evenly over that time.
    """
    lengths = sorted(windows)
    total, inner, begin = np.zeros(len(windows[lengths[0]])), 0.0, 0
    for length in lengths:
        counts = np.nan_to_num(np.asarray(windows[length], np.float64))
        total += np.maximum(counts - inner, 0) * _mean_decay(begin, length, half_life)
        inner, begin = counts, length
    return total.astype(np.float32)


def _within(windows: Mapping[int, np.ndarray], age: float) -> dict[int, np.ndarray]:
    """The counts in windows no longer than `age`; the first that is longer counts by its share that lies within."""
    kept = {length: counts for length, counts in windows.items() if length <= age}
    longer = [length for length in windows if length > age]
    if longer and age not in kept:
        begin, end = max(kept, default=0), min(longer)
        inner = np.nan_to_num(kept[begin]) if begin else 0.0
        kept[age] = inner + (np.nan_to_num(windows[end]) - inner) * (age - begin) / (end - begin)
    return kept


def _mean_decay(begin: float, end: float, half_life: float) -> float:
    """Of 2 ** -(age / half_life), ages even between begin and end."""
    rate = np.log(2) / half_life
    return np.exp(-rate * begin) * -np.expm1(-rate * (end - begin)) / (rate * (end - begin))
