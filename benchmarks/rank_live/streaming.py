"""The stream beside the ranker: one process that publishes events at a rate, applies them and logs them."""

import signal
import threading
import time
from pathlib import Path

import numpy as np

from benchmarks.rank_live import views, world
from streamrank import clock

TICK_SECONDS = 0.05


def apply(folder: str, port: int) -> dict:
    """Registers what is asked for, and writes who made which item."""
    from benchmarks.stores import feature_store

    store = feature_store("ours", Path(folder), port)
    store.apply(views.definitions(Path(folder)))
    at = clock.now()
    store.materialize(at.replace(year=at.year - 1), at, feature_views=[views.ATTRIBUTES])
    return {}


def run(folder: str, port: int, rate: int) -> None:
    """Publishes `rate` events a second until SIGTERM, while a worker and a log writer bring them in."""
    from benchmarks.stores import feature_store
    from streamrank.events.log import EventLog
    from streamrank.events.redis_streams import redis_bus
    from streamrank.stream.log_writer import LogWriter
    from streamrank.stream.worker import Worker
    from streamrank.windows.spec import windowed_views

    store, stop = feature_store("ours", Path(folder), port), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    connection = store._get_provider().online_store.connection(store.config)
    bus, log = redis_bus(connection, store.project, world.SCHEMA), EventLog(Path(folder) / "log")
    worker = Worker(bus, connection, store.project, windowed_views(store), log)
    threads = [
        threading.Thread(target=publish, args=(bus, world.Makings(Path(folder), seed=2), rate, stop)),
        threading.Thread(target=LogWriter(bus, log).run, args=(stop,)),
    ]
    [thread.start() for thread in threads]
    worker.run(stop)
    [thread.join() for thread in threads]


def publish(bus, makings: world.Makings, rate: int, stop: threading.Event) -> None:
    """Events of the present, as many as are due at each tick."""
    began, done = time.monotonic(), 0
    while not stop.wait(TICK_SECONDS):
        due = int((time.monotonic() - began) * rate) - done
        if due > 0:
            events = makings.events(np.full(due, clock.now_us()))
            bus.publish(events, world.shard_keys(events))
            done += due


if __name__ == "__main__":
    import sys

    run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
