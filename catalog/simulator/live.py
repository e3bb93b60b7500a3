"""A simulation in real time: each event is published at the moment at which it arrives."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from catalog.publishing import Door, publish
from catalog.schema import PUBLISHED
from catalog.simulator.simulate import Plan, simulate
from streamrank import clock
from streamrank.clock import SECOND
from streamrank.events.bus import Bus, BusFull

TICK_SECONDS = 0.05
MOST = 20_000  # events of one publish, when it has fallen behind


@dataclass(frozen=True)
class Moment:
    """Counts since the start. at_us: arrival of the last event; behind_us: how long ago that should have been."""

    at_us: int
    taken: int
    duplicates: int
    refused: int
    waits: int  # times that the bus was full
    behind_us: int


def publish_live(bus: Bus, door: Door, plan: Plan) -> Iterator[Moment]:
    """Publishes the plan, which starts about now, tick by tick; a full bus is waited for."""
    taken = duplicates = refused = waits = 0
    for told in simulate(plan):
        arrivals = told["arrived_at"].cast(pa.int64()).to_numpy()
        events, done = told.select(PUBLISHED.names), 0
        while done < len(events):
            stop = min(int(np.searchsorted(arrivals, clock.now_us(), side="right")), done + MOST)
            if stop == done:
                time.sleep(max(TICK_SECONDS, min(1.0, (int(arrivals[done]) - clock.now_us()) / SECOND)))
                continue
            try:
                receipt = publish(bus, events.slice(done, stop - done), door)
            except BusFull as full:
                waits, taken = waits + 1, taken + int(full.published.taken.sum())
                duplicates -= int(full.published.taken.sum())  # they come again with the next try
                continue
            taken, duplicates = taken + receipt.taken, duplicates + receipt.duplicates
            refused, done = refused + len(receipt.refused), stop
            behind = max(0, clock.now_us() - int(arrivals[stop - 1]))
            yield Moment(int(arrivals[stop - 1]), taken, duplicates, refused, waits, behind)
            if behind < TICK_SECONDS * SECOND:
                time.sleep(TICK_SECONDS)
