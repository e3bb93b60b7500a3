"""What is replayed: a past that is in the log already, and pieces of a present in the order in which they arrive."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.dataset import Manifest
from catalog.source import Source
from streamrank.clock import DAY, HOUR, SECOND

MINUTE = 60 * SECOND
LATE, TWICE = 0.2, 0.05  # shares of events that arrive up to two hours late, and that are sent a second time


@dataclass(frozen=True)
class Story:
    """past: what has happened by `begin_us`. pieces: (instant, events), out of order, late and some twice.

    everything: user_id and item_id of all events, as text.
    """

    name: str
    past: Source
    begin_us: int
    pieces: list[tuple[int, pa.Table]]
    everything: pa.Table


def kuairand(folder: Path, past_days: float, days: float, pieces: int) -> Story:
    """The last days of KuaiRand, at other times of arrival than their own."""
    from catalog import kuairand

    source = kuairand.source(folder)
    happened = _times(source.events)
    begin = int(happened.max() - days * DAY)
    past = source.events.filter(pa.array((happened > begin - past_days * DAY) & (happened <= begin)))
    present = source.events.filter(pa.array(happened > begin))
    return Story("kuairand", replace(source, events=past), begin, _arriving(present, pieces), _who(source.events))


def simulated(
    past_hours: float, hours: float, rate: float, pieces: int, start_us: int = 1_772_000_000_000_000
) -> Story:
    """A live service: shows begin and end, viewers enter, watch and leave, and what is known of items changes."""
    from catalog.simulator.simulate import Plan, simulate
    from catalog.simulator.telling import items_table, users_table
    from catalog.simulator.world import World

    world = World(seed=5, users=300, creators=40, titles=40)
    plan = Plan(world, rate, (past_hours + hours) * 3_600, start_us, late=LATE, repeated=TWICE)
    events = pa.concat_tables(simulate(plan)).combine_chunks()
    arrived = np.asarray(events["arrived_at"].cast(pa.int64()))
    begin = int(start_us + past_hours * HOUR)
    past = events.filter(pa.array(arrived <= begin))
    first = pc.index_in(pc.unique(past["event_id"]), past["event_id"])  # the door refuses what comes twice
    present, arrived = events.filter(pa.array(arrived > begin)).drop_columns("arrived_at"), arrived[arrived > begin]
    parts = np.array_split(np.arange(len(present)), pieces)
    source = Source(
        Manifest("simulated", "files"),
        past.take(first),
        items_table(world, plan.items),
        users_table(world),
        "simulated",
    )
    told = [(int(arrived[part].max()), present.take(pa.array(part))) for part in parts]
    return Story("simulated", source, begin, told, _who(events))


def _arriving(events: pa.Table, pieces: int) -> list[tuple[int, pa.Table]]:
    chance = np.random.default_rng(17)
    delay = chance.integers(0, 30 * SECOND, len(events))
    late = chance.random(len(events)) < LATE
    delay[late] = chance.integers(0, 2 * HOUR, late.sum())
    arrived = _times(events) + delay
    again = np.flatnonzero(chance.random(len(events)) < TWICE)
    arrived = np.concatenate([arrived, arrived[again] + chance.integers(0, 5 * MINUTE, len(again))])
    rows = np.concatenate([np.arange(len(events)), again])
    parts = np.array_split(np.argsort(arrived, kind="stable"), pieces)
    return [(int(arrived[part].max()), events.take(pa.array(chance.permutation(rows[part])))) for part in parts]


def _times(events: pa.Table) -> np.ndarray:
    return np.asarray(events["event_time"].cast(pa.int64()))


def _who(events: pa.Table) -> pa.Table:
    return pa.table({name: events[name].cast(pa.string()) for name in ("user_id", "item_id")})
