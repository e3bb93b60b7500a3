"""Events: a week of them before, and a stream of them while the ranker is asked."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.online import world
from benchmarks.rank_live import views
from streamrank import clock
from streamrank.events.log import EventLog
from streamrank.events.shards import NEVER, SHARDS, shards_of, stamp

INSTANT = pa.timestamp("us", "UTC")
SCHEMA = pa.schema([
    ("event_id", pa.string()), ("event_time", INSTANT), ("event_type", pa.string()), ("user_id", pa.int64()),
    ("item_id", pa.int64()), ("creator_id", pa.int64()), ("watch_ms", pa.int64()),
])  # fmt: skip
TYPES = np.array(["impression", "view", "like", "enter", "leave"], object)
SHARES = (0.6, 0.2, 0.04, 0.08, 0.08)


class Makings:
    """Makes events of a world's items, the first ones more often, deterministic by seed."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._rng, self._made = np.random.default_rng(seed), 0
        self._creator_of, self._seed = world.creator_of(folder), seed

    def events(self, times_us: np.ndarray) -> pa.Table:
        """Events at these instants, int64 us [n]: columns of SCHEMA."""
        rows, rng = len(times_us), self._rng
        items = (len(self._creator_of) * rng.random(rows) ** 2).astype(np.int64)
        kinds = rng.choice(len(TYPES), rows, p=SHARES)
        numbers = np.char.mod(f"{self._seed}-%d", np.arange(self._made, self._made + rows))
        self._made += rows
        columns = [
            pa.array(numbers), pa.array(times_us, INSTANT), pa.array(TYPES[kinds]),
            pa.array(rng.integers(0, world.USERS, rows)), pa.array(items), pa.array(self._creator_of[items]),
            pa.array(rng.integers(0, 600_000, rows), mask=kinds != 1),
        ]  # fmt: skip
        return pa.Table.from_arrays(columns, schema=SCHEMA)


def write(folder: str, events: int) -> dict:
    """Writes who made which item, and the log of a week: half of its events are of the last day."""
    place, now, rng = Path(folder), clock.now_us(), np.random.default_rng(5)
    creators = world.creator_of(place)
    at = pa.array(np.full(len(creators), now - clock.DAY), INSTANT)
    owned = {"item_id": np.arange(len(creators)), "made_by": creators, "event_timestamp": at}
    pq.write_table(pa.table(owned), place / f"{views.ATTRIBUTES}.parquet")
    ages = np.where(rng.random(events) < 0.5, clock.DAY, 7 * clock.DAY) * rng.random(events)
    history = Makings(place, seed=1).events(np.sort(now - clock.SECOND - ages.astype(np.int64)))
    EventLog(place / "log").append(_stamped(history), "history", 0)
    return {"events": events}


def shard_keys(events: pa.Table) -> pa.Array:
    """By user, as text."""
    return events["user_id"].combine_chunks().cast(pa.string())


def _stamped(events: pa.Table) -> pa.Table:
    shards = shards_of(shard_keys(events))
    arrived = np.asarray(events["event_time"].cast(pa.int64()))
    positions = stamp(arrived, shards, np.full(SHARDS, NEVER))
    stamps = {
        "arrived_at": pa.array(positions, INSTANT),
        "shard": pa.array(shards),
        "log_position": pa.array(positions),
    }
    for name, column in stamps.items():
        events = events.append_column(name, column)
    return events
