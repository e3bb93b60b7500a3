"""What can be watched when: shows that creators put on the air about once a day, and titles that always are there."""

from dataclasses import dataclass

import numpy as np

from catalog.simulator.world import World
from streamrank.clock import DAY, HOUR, SECOND

ANNOUNCED_AHEAD = HOUR
PLANNED_LONGER = HOUR // 2  # a show ends by this much before the end that was said
DAYS_OFF = 0.3  # share of days on which a creator does not go on air
TITLES_FAME = 0.02  # of a title beside a show of the same creator
MINUTE = 60 * SECOND


@dataclass(frozen=True)
class Items:
    """Titles first, then shows in the order of their start. Times are us UTC, int64 [items].

    creators: int32. starts, ends: on air; the type's ends for a title. announced: when a show is heard of. fame:
    float64, the weight with which an item is shown to those who came for nothing in particular.
    """

    titles: int
    creators: np.ndarray
    numbers: np.ndarray
    announced: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    fame: np.ndarray

    def __len__(self) -> int:
        return len(self.creators)

    def on_air(self, at_us: int) -> np.ndarray:
        """Places of what can be watched at an instant."""
        return np.flatnonzero((self.starts <= at_us) & (at_us < self.ends))

    @property
    def planned_ends(self) -> np.ndarray:
        """int64 [items]: when a show is said to end, after it does."""
        planned = self.ends.copy()
        planned[self.titles :] += PLANNED_LONGER
        return planned

    def and_show(self, creator: int, number: int, starts: int, ends: int) -> "Items":
        """One show more, at the last place, that is announced as it begins."""
        more = {
            "creators": creator, "numbers": number, "announced": starts, "starts": starts, "ends": ends,
            "fame": self.fame.max(initial=1.0),
        }  # fmt: skip
        columns = {name: np.append(getattr(self, name), value) for name, value in more.items()}
        return Items(self.titles, **(columns | {"creators": columns["creators"].astype(np.int32)}))


def items_of(world: World, start_us: int, end_us: int) -> Items:
    """The titles, and every show that is on the air or announced between two instants."""
    first_day, last_day = start_us // DAY - 1, (end_us + ANNOUNCED_AHEAD) // DAY + 1
    shows = _shows(world, np.arange(first_day, last_day + 1))
    overlapping = (shows["ends"] > start_us) & (shows["announced"] < end_us)
    order = np.flatnonzero(overlapping)[np.argsort(shows["starts"][overlapping], kind="stable")]
    always = np.full(world.titles, np.iinfo(np.int64).max)
    titles = {
        "creators": world.title_creators, "numbers": np.arange(world.titles), "announced": -always, "starts": -always,
        "ends": always, "fame": world.creator_fame[world.title_creators] * TITLES_FAME,
    }  # fmt: skip
    return Items(world.titles, **{name: np.concatenate([titles[name], shows[name][order]]) for name in titles})


def _shows(world: World, days: np.ndarray) -> dict[str, np.ndarray]:
    """One show of each creator on most days. What a day brings depends on the day alone."""
    drawn = [np.random.Generator(np.random.Philox(key=[world.seed, 1 << 32 | int(day)])) for day in days]
    late, long, off = (np.stack([random.random(world.creators) for random in drawn]) for _ in range(3))
    begin = days[:, None] * DAY + (world.creator_hours * HOUR).astype(np.int64) + (late * HOUR).astype(np.int64)
    begin -= begin % SECOND
    length = (HOUR + long**2 * 4 * HOUR).astype(np.int64)
    creators = np.broadcast_to(np.arange(world.creators, dtype=np.int32), begin.shape)
    numbers = (days[:, None] % 1_000 + 1) * 10_000_000 + creators
    there = off >= DAYS_OFF
    return {
        "creators": creators[there], "numbers": numbers[there].astype(np.int64), "starts": begin[there],
        "announced": begin[there] - ANNOUNCED_AHEAD, "ends": (begin + length)[there],
        "fame": world.creator_fame[creators[there]],
    }  # fmt: skip
