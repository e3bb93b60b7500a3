"""The worker as a process, and a publisher with a reader beside it that looks for marked events."""

import signal
import threading
import time
from itertools import pairwise

import numpy as np
import pyarrow as pa

from benchmarks.ingest import world
from streamrank.events.log import EventLog
from streamrank.stores.connection import connect
from streamrank.stores.packing.keys import component, entity_keys
from streamrank.stream import generations
from streamrank.stream.worker import Worker

VIEW = "item"
EVERY_SECONDS = 0.01
LOOK_SECONDS = 0.0005
WARM_SECONDS = 2.0
STEPS_MS = (0, 5, 10, 15, 20, 25, 30, 40, 50, 75, 100, 200, 1_000)


def work(folder: str, port: int) -> dict:
    """A worker until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    bus = world.bus_at(port)
    log = EventLog(world.log_folder(folder))
    Worker(bus, bus.connection, world.PROJECT, world.views([VIEW]), log).run(stop)
    return {}


def measure(port: int, rate: int, seconds: float, items: int) -> dict:
    """Publishes `rate` events a second, one in each call marked by an item of its own, and looks for these.

    p50_ms, p99_ms: from the return of the call until a reader's fetch has the item. histogram: how many took how long.
    """
    bus = world.bus_at(port)
    reader, (view,) = connect(bus.connection.options), world.views([VIEW])
    prefix = _prefix(reader, view)
    calls = int((seconds + WARM_SECONDS) / EVERY_SECONDS)
    parts = list(world.parts(calls * int(rate * EVERY_SECONDS), items, 1_000_000, int(rate * EVERY_SECONDS)))
    marked = [_marked(part, number) for number, part in enumerate(parts)]
    keys = entity_keys(prefix, [component("item_id", view.key_types["item_id"], _marks(len(parts)))], len(parts))
    returned, seen = np.full(calls, np.inf), np.full(calls, np.nan)
    publishing = threading.Thread(target=_publish, args=(bus, marked, returned))
    publishing.start()
    _look(reader, keys, returned, seen)
    publishing.join()
    warm = int(WARM_SECONDS / EVERY_SECONDS)
    waited = np.maximum(0.0, seen - returned)[warm:] * 1e3
    p50, p99 = np.percentile(waited, [50, 99])
    taken = calls * int(rate * EVERY_SECONDS) / (returned[-1] - returned[0])
    return {"p50_ms": round(float(p50), 2), "p99_ms": round(float(p99), 2), "events_per_s": round(taken, 1),
            "histogram": _histogram(waited)}  # fmt: skip


def _publish(bus, parts: list[pa.Table], returned: np.ndarray) -> None:
    """Each part at its moment; `returned` says when publishing it returned, in seconds of the monotonic clock."""
    begin = time.monotonic()
    for number, part in enumerate(parts):
        time.sleep(max(0.0, begin + number * EVERY_SECONDS - time.monotonic()))
        bus.publish(part, part["user_id"].combine_chunks())
        returned[number] = time.monotonic()


def _look(reader, keys: pa.LargeBinaryArray, returned: np.ndarray, seen: np.ndarray) -> None:
    """Fetches the marked items that are published and not seen yet, again and again, until all have been seen."""
    while np.isnan(seen).any():
        waiting = np.flatnonzero(np.isfinite(returned) & np.isnan(seen))
        if len(waiting):
            found = reader.fetch(keys.take(pa.array(waiting)))
            now = time.monotonic()
            seen[waiting[found.is_valid().to_numpy(zero_copy_only=False)]] = now
        time.sleep(LOOK_SECONDS)


def _marks(count: int) -> pa.Array:
    return pa.array([f"mark-{number}" for number in range(count)])


def _marked(part: pa.Table, number: int) -> pa.Table:
    """`part`, its last event of an item of its own."""
    items = pa.concat_arrays([part["item_id"].combine_chunks()[:-1], pa.array([f"mark-{number}"])])
    return part.set_column(part.schema.get_field_index("item_id"), "item_id", items)


def _prefix(reader, view) -> bytes:
    """Where the view's keys begin, once the worker has filled it."""
    while (read := generations.read_by(reader, world.PROJECT, view.name, view.fingerprint)) is None:
        time.sleep(0.05)
    return read.prefix(world.PROJECT)


def _histogram(waited_ms: np.ndarray) -> dict[str, int]:
    counts, _ = np.histogram(waited_ms, [*STEPS_MS, np.inf])
    names = [f"{low} to {high} ms" for low, high in pairwise(STEPS_MS)]
    return dict(zip([*names, f"over {STEPS_MS[-1]} ms"], counts.tolist(), strict=True))
