"""The simulation: slices of time one after another, each drawn at once, told in the order of arrival.

Everything follows from the seed, the start and the parameters: the same ones give the same bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from catalog.simulator.events import KIND, NONE, ROW, Events, events
from catalog.simulator.shows import MINUTE, Items, items_of
from catalog.simulator.telling import ANNOUNCED, BEGINS, ENDS, TITLE, Teller
from catalog.simulator.visits import LONGEST, PER_VISIT, Visits, events_of, visits_of
from catalog.simulator.world import World
from streamrank.clock import HOUR, SECOND

SLICE_EVENTS = 5_000
SAMPLE = 4_000  # visits from which it is seen how many events one makes
VISITS_PER_SLICE = 1 << 24
ITEM_EVENTS = 1 << 60  # numbers of item events begin here
LATE_US, LATEST_US = 20 * SECOND, 2 * HOUR
AGAIN_US = 5 * SECOND
LOOK_US = 10 * MINUTE  # how many events a visit makes depends on what is on air
WARM_EVENTS = 1_000_000
CELEBRITY = 9_999_999_999  # number of a celebrity's show


@dataclass(frozen=True)
class Spike:
    """A celebrity goes on air at `at` seconds for `seconds`, and traffic is `factor` times what it was."""

    at: float
    seconds: float
    factor: float = 20.0


@dataclass(frozen=True)
class Plan:
    """rate: events a second. late: share of events that arrive later than they happen, by 20 seconds on average.

    repeated: share of events that are sent a second time. start_us: the first instant.
    """

    world: World
    rate: float
    seconds: float
    start_us: int
    spike: Spike | None = None
    late: float = 0.02
    repeated: float = 0.0

    @property
    def end_us(self) -> int:
        return self.start_us + round(self.seconds * SECOND)

    @property
    def slice_us(self) -> int:
        """One that holds some thousands of events, between a second and a minute."""
        return int(np.clip(SLICE_EVENTS / self.rate, 1, 60) * SECOND)

    @property
    def before_us(self) -> int:
        """How long before the start visits begin that are still going on then; less where they are too many."""
        return int(np.clip(WARM_EVENTS / self.rate * SECOND, MINUTE, LONGEST))

    @property
    def items(self) -> Items:
        """What can be watched between a little before the start and the end; a celebrity's show comes last."""
        usual = items_of(self.world, self.start_us - LONGEST, self.end_us)
        if self.spike is None:
            return usual
        begins = self.start_us + round(self.spike.at * SECOND)
        celebrity = int(self.world.creator_fame.argmax())
        return usual.and_show(celebrity, CELEBRITY, begins, begins + round(self.spike.seconds * SECOND))


def simulate(plan: Plan) -> Iterator[pa.Table]:
    """Tables of `telling.OFFERED` in the order of arrival, one a slice of time, none after the plan's end.

    The service has been running for a while when it begins: viewers are in the middle of what they watch.
    """
    items = plan.items
    spiked = len(items) - 1 if plan.spike else None
    teller = Teller(plan.world, items, f"{plan.world.seed:x}{plan.start_us:x}")
    waiting = _Waiting(plan)
    waiting.add(_item_events(plan, items))
    of_spike = 1.0
    if plan.spike:
        of_spike = _per_visit(plan, items, int(items.starts[spiked]), int(items.ends[spiked]), spiked)
    before, slices = -(-plan.before_us // plan.slice_us), -(-(plan.end_us - plan.start_us) // plan.slice_us)
    for number in range(-before, slices):
        if (number + before) % (max(1, LOOK_US // plan.slice_us)) == 0:
            now = plan.start_us + number * plan.slice_us
            per_visit = _per_visit(plan, items, now, now + 1), of_spike
        waiting.add(_drawn(plan, items, number, number + before, per_visit, spiked))
        if number >= 0:
            yield teller.told(waiting.of_slice(number))


def _drawn(
    plan: Plan, items: Items, number: int, drawn: int, per_visit: tuple[float, float], spiked: int | None
) -> Events:
    """What the visits that begin in slice `number` lead to. drawn: how many slices before it."""
    random = np.random.Generator(np.random.Philox(key=[plan.world.seed, 2 << 32 | drawn]))
    start, first = plan.start_us + number * plan.slice_us, drawn * VISITS_PER_SLICE * PER_VISIT
    end = start + plan.slice_us
    usual = random.poisson(plan.rate * plan.slice_us / SECOND / per_visit[0])
    found = events_of(random, plan.world, items, visits_of(random, plan.world, usual, start, end, first))
    if spiked is not None:
        begin, stop = max(start, items.starts[spiked]), min(end, items.ends[spiked])
        if begin < stop:
            more = (plan.spike.factor - 1) * plan.rate * (stop - begin) / SECOND / per_visit[1]
            visits = visits_of(random, plan.world, random.poisson(more), begin, stop, first + usual * PER_VISIT)
            found = Events.of(found, events_of(random, plan.world, items, _all_to(visits, spiked)))
    return _on_the_way(random, plan, found)


def _all_to(visits: Visits, item: int) -> Visits:
    return Visits(visits.times, visits.users, visits.first, item)


def _per_visit(plan: Plan, items: Items, start: int, end: int, spiked: int | None = None) -> float:
    """How many events a visit makes that begins between two instants, seen in a sample; of a spike, before its end."""
    random = np.random.Generator(np.random.Philox(key=[plan.world.seed, 3 << 32]))
    visits = visits_of(random, plan.world, SAMPLE, start, end, 0)
    found = events_of(random, plan.world, items, visits if spiked is None else _all_to(visits, spiked))
    counted = len(found) if spiked is None else np.count_nonzero(found.rows["time"] < end)
    return max(1.0, counted / SAMPLE)


def _on_the_way(random: np.random.Generator, plan: Plan, found: Events) -> Events:
    """Some events are late, and some come twice."""
    rows = found.rows
    delays = np.minimum(random.exponential(LATE_US, len(rows)), LATEST_US).astype(np.int64)
    rows["arrival"] += np.where(random.random(len(rows)) < plan.late, delays, 0)
    again = rows[random.random(len(rows)) < plan.repeated]
    again["arrival"] += random.integers(SECOND, AGAIN_US, len(again))
    return Events(np.concatenate([rows, again]))


def _item_events(plan: Plan, items: Items) -> Events:
    """Titles, and what became of shows before, are told at the start; then shows as they are announced, begin, end."""
    places = np.arange(len(items))
    titles, shows = places[: items.titles], places[items.titles :]
    upcoming = shows[items.starts[shows] > plan.start_us]
    told = (
        (TITLE, "item_update", titles, np.full(len(titles), plan.start_us)),
        (ANNOUNCED, "item_start", upcoming, items.announced[upcoming]),
        (BEGINS, "item_start", shows, items.starts[shows]),
        (ENDS, "item_end", shows, items.ends[shows]),
    )
    parts = [
        events(KIND[kind], times, NONE, chosen, ITEM_EVENTS + chosen * 4 + phase, phase=phase)
        for phase, kind, chosen, times in told
    ]
    rows = Events.of(*parts).rows
    rows["arrival"] = np.maximum(rows["arrival"], plan.start_us)
    return Events(rows)


class _Waiting:
    """Events that have been drawn, by the slice in which they arrive."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._slices: dict[int, list[np.ndarray]] = {}

    def add(self, found: Events) -> None:
        rows = found.rows[(found.rows["arrival"] >= self._plan.start_us) & (found.rows["arrival"] < self._plan.end_us)]
        slices = (rows["arrival"] - self._plan.start_us) // self._plan.slice_us
        if not len(rows):
            return
        order = np.argsort(slices, kind="stable")
        numbers, starts = np.unique(slices[order], return_index=True)
        for number, start, stop in zip(numbers.tolist(), starts, [*starts[1:], len(rows)], strict=True):
            part = rows[order[start:stop]]
            self._slices.setdefault(number, []).append(part)

    def of_slice(self, number: int) -> Events:
        """The events that arrive in a slice, in order; they are not held any longer."""
        return Events(np.concatenate(self._slices.pop(number, [np.zeros(0, ROW)]))).arriving()
