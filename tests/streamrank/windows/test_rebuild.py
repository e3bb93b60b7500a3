import threading
import time

import numpy as np
import pyarrow as pa
import pytest
from streamed_world import World, rows_agree, some_events, world_at

from streamrank import clock
from streamrank.events.shards import NEVER, SHARDS
from streamrank.stores.connection.requests import Command
from streamrank.stream import generations
from streamrank.stream.intents import open_intents
from streamrank.stream.log_writer import LogWriter
from streamrank.windows import rebuild as rebuilding
from streamrank.windows.finishing import finish_columns
from streamrank.windows.rebuild import AlreadyRebuilding, RebuildBlocked, let_bus_trim, rebuilding_key


@pytest.fixture
def world(redis_server, tmp_path) -> World:
    return world_at(redis_server, tmp_path, project=tmp_path.name)


@pytest.fixture
def worker(world):
    made = world.worker()
    made.drain()
    return made


def read(world: World):
    return [generations.read_by(world.connection, world.project, v.name, v.fingerprint) for v in world.views]


def test_a_rebuilt_view_has_what_log_and_bus_have(world, worker):
    logged = world.publish(some_events(700, 1, clock.now_us()))
    worker.drain()
    LogWriter(world.bus, world.log).run_once()
    streamed = world.publish(some_events(300, 2, clock.now_us()))
    worker.drain()
    before = read(world)
    made = world.rebuild(world.views[0])
    assert (made.logged, made.streamed) == (700, 300)
    assert read(world) == [made.generation, before[1]] and made.generation != before[0]
    waiting = world.publish(some_events(100, 3, clock.now_us()))
    worker.drain()
    rows_agree(world, pa.concat_tables([logged, streamed, waiting]))


def test_a_rebuild_goes_no_further_than_the_worker(world, worker):
    """What the log has and the worker has not applied yet is applied once, by the worker."""
    one = world.publish(some_events(300, 1, clock.now_us()))
    worker.drain()
    other = world.publish(some_events(300, 2, clock.now_us()))
    LogWriter(world.bus, world.log).run_once()
    assert world.rebuild(world.views[0]).logged == 300
    rows_agree(world, one)
    worker.drain()
    rows_agree(world, pa.concat_tables([one, other]))


def test_a_wrong_tile_is_gone_after_a_rebuild(world, worker):
    taken = world.publish(some_events(300, 1, clock.now_us()))
    worker.drain()
    LogWriter(world.bus, world.log).run_once()
    with pytest.raises(AssertionError):
        world.connection.delete_prefix(read(world)[0].prefix(world.project))
        rows_agree(world, taken)
    world.rebuild(world.views[0])
    rows_agree(world, taken)


def test_the_generation_before_is_deleted_when_its_time_has_come(world, worker, monkeypatch):
    world.publish(some_events(100, 1, clock.now_us()))
    worker.drain()
    old = read(world)[0]
    monkeypatch.setattr(generations, "GRACE_SECONDS", 0.0)
    world.rebuild(world.views[0])
    assert generations.drop_due(world.connection, world.project) == 7
    assert world.stored(world.views[0], ["i0", "i1"], old).null_count == 2
    assert generations.drop_due(world.connection, world.project) == 0


def test_events_keep_arriving_and_no_reader_sees_a_mixture(world):
    """Counts of lifetimes only ever grow: a reader who saw two generations would see one shrink."""
    stop, shrunk, taken = threading.Event(), [], []
    worker, (view, _) = world.worker(age_ms=5), world.views
    running = threading.Thread(target=worker.run, args=(stop,))
    logging = threading.Thread(target=LogWriter(world.bus, world.log).run, args=(stop,))
    running.start(), logging.start()

    def publish() -> None:
        while not stop.is_set():
            taken.append(world.publish(some_events(50, 100 + len(taken), clock.now_us())))
            time.sleep(0.005)

    def look() -> None:
        seen = np.zeros(7, np.int64)
        while not stop.is_set():
            if read(world)[0] is None:
                continue
            values = world.stored(view, [f"i{number}" for number in range(7)])
            now = finish_columns(view, values, ["events"], clock.now_us())["events"].to_numpy()
            shrunk.extend(now[now < seen])
            seen = now

    others = [threading.Thread(target=publish), threading.Thread(target=look)]
    for other in others:
        other.start()
    try:
        while len(taken) < 20 or None in read(world):
            time.sleep(0.01)
        made = [world.rebuild(view) for _ in range(3)]
    finally:
        stop.set()
        for thread in (*others, running, logging):
            thread.join()
    world.worker().drain()
    assert not shrunk and len({each.generation for each in made}) == 3
    rows_agree(world, pa.concat_tables(taken))


def test_one_rebuilds_a_view_at_a_time(world, worker):
    key = rebuilding_key(world.project, world.views[0].name)
    world.connection.ask(Command(b"SET", key, b"another"))
    with pytest.raises(AlreadyRebuilding, match="ten seconds"):
        world.rebuild(world.views[0])


def test_a_rebuild_says_so_when_nobody_finishes_an_open_batch(world, worker, monkeypatch):
    monkeypatch.setattr(rebuilding, "PATIENCE_SECONDS", 0.2)
    epochs, committed = worker._owning.held(), dict(worker._owning.committed)
    open_intents(world.connection, world.project, worker.name, epochs, committed, {5: 77})
    with pytest.raises(RebuildBlocked, match=r"\[5\].*streamrank stream"):
        world.rebuild(world.views[0])
    worker.reset()
    world.worker()
    taken = world.publish(some_events(100, 1, clock.now_us()))
    worker.drain()
    world.rebuild(world.views[0])
    worker.drain()
    rows_agree(world, taken)


def test_a_rebuild_that_died_does_not_keep_the_bus_from_being_trimmed(world, worker):
    view = world.views[0].name
    consumer = f"rebuild:{view}"
    world.bus.register(consumer, dict.fromkeys(range(SHARDS), 5))
    key = rebuilding_key(world.project, view)
    world.connection.ask(Command(b"SET", key, b"another, at work"))
    let_bus_trim(world.bus, world.connection, world.project, view)
    assert (world.bus.committed(consumer) == 5).all()
    world.connection.ask(Command(b"DEL", key))
    let_bus_trim(world.bus, world.connection, world.project, view)
    assert (world.bus.committed(consumer) == NEVER).all()
