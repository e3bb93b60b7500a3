from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from streamed_world import MINUTE, declared, rows_agree, some_events

from streamrank import clock
from streamrank.clock import VirtualClock
from streamrank.events.shards import SHARDS
from streamrank.stream import generations
from streamrank.stream.applying import DeclarationsChanged
from streamrank.stream.log_writer import LogWriter
from streamrank.stream.round import Round


class Seen:
    """A processor that remembers what it was given."""

    def __init__(self) -> None:
        self.events: list[pa.Table] = []
        self.ranges: list[tuple[int, int, int]] = []
        self.swept: list[int] = []

    def apply(self, events, epochs, firsts, lasts) -> None:
        assert events.keys() == firsts.keys() == lasts.keys() <= epochs.keys()
        self.ranges += [(shard, firsts[shard], lasts[shard]) for shard in events]
        self.events += events.values()

    def sweep(self, shards, epochs) -> None:
        self.swept = list(shards)


def test_what_was_published_is_counted_once_in_every_view(world):
    worker = world.worker()
    taken = world.publish(some_events(3_000, 1, clock.now_us()))
    done = worker.round()
    assert (done.events, done.recovered) == (3_000, 0) and done.merged > 0
    assert set(done.lags) <= set(range(SHARDS)) and min(done.lags.values()) >= 0
    rows_agree(world, taken)
    assert worker.round() == Round()


def test_events_published_before_the_first_worker_are_counted_too(world):
    taken = world.publish(some_events(500, 2, clock.now_us()))
    assert world.worker().drain() == 500
    rows_agree(world, taken)


def test_many_batches_and_late_events_count_as_one_batch_would(world):
    worker, parts = world.worker(), []
    for seed in range(5):
        parts.append(world.publish(some_events(200, seed, clock.now_us())))
        worker.drain()
    rows_agree(world, pa.concat_tables(parts))


def test_a_backlog_is_taken_in_batches_of_bounded_size(world):
    worker = world.worker(batch_events=100)
    parts = [world.publish(some_events(250, seed, clock.now_us())) for seed in range(4)]
    rounds = []
    while (done := worker.round()).events:
        rounds.append(done.events)
    assert sum(rounds) == 1_000 and len(rounds) > 4
    rows_agree(world, pa.concat_tables(parts))


def test_under_a_virtual_clock_windows_follow_that_clock(world):
    with clock.use(VirtualClock(1_700_000_000_000_000)) as virtual:
        worker = world.worker()
        taken = world.publish(some_events(400, 3, clock.now_us()))
        worker.drain()
        rows_agree(world, taken)
        virtual.advance_to(clock.now_us() + 7 * MINUTE)
        rows_agree(world, taken)


def test_two_workers_share_the_shards_and_what_one_gives_away_the_other_takes(world):
    one, other = world.worker(lease_seconds=0.3), world.worker(lease_seconds=0.3)
    one.round()
    assert len(one.shards) == SHARDS
    for _ in range(3):
        for worker in (one, other):
            worker.look_after_shards(now=True)
    assert len(one.shards) == len(other.shards) == SHARDS / 2
    assert not set(one.shards) & set(other.shards)
    taken = world.publish(some_events(600, 4, clock.now_us()))
    assert one.round().events + other.round().events == 600
    one.close()
    other.look_after_shards(now=True)
    assert len(other.shards) == SHARDS
    rows_agree(world, taken)


def test_processors_are_given_every_event_once_and_in_order(world):
    seen = Seen()
    worker = world.worker(processors=[seen])
    for seed in range(3):
        world.publish(some_events(100, seed, clock.now_us()))
        worker.drain()
    whole = pa.concat_tables(seen.events)
    assert len(set(whole["event_id"].to_pylist())) == len(whole) == 300
    assert seen.swept == list(range(SHARDS))
    for shard in range(SHARDS):
        positions = whole.filter(pc.equal(whole["shard"], shard))["log_position"].to_pylist()
        assert positions == sorted(positions)
        ranges = [(first, last) for own, first, last in seen.ranges if own == shard]
        assert all(after == before + 1 for (_, before), (after, _) in pairwise(ranges))


def test_a_new_server_is_filled_from_the_log(world):
    """The bus begins above what the log has, and the tiles hold it all."""
    taken = world.publish(some_events(800, 5, clock.now_us()))
    LogWriter(world.bus, world.log).run_once()
    anew = world.elsewhere()
    more = anew.publish(some_events(200, 6, clock.now_us()))
    anew.worker().drain()
    rows_agree(anew, pa.concat_tables([taken, more]))


def test_a_view_that_is_declared_later_is_filled_with_what_came_before(world):
    worker = world.worker()
    taken = world.publish(some_events(300, 7, clock.now_us()))
    worker.drain()
    LogWriter(world.bus, world.log).run_once()
    more = world.publish(some_events(300, 8, clock.now_us()))
    worker.drain()
    worker.close()
    world.views = (*world.views, declared("later", "item_id"))
    world.worker().drain()
    rows_agree(world, pa.concat_tables([taken, more]))


def test_a_changed_declaration_reads_no_tiles_of_the_one_before(world):
    worker = world.worker()
    taken = world.publish(some_events(300, 9, clock.now_us()))
    worker.drain()
    LogWriter(world.bus, world.log).run_once()
    (before, _), kept = world.views, world.views[1]
    changed = declared("by_item", "item_id", minutes=30)
    old = generations.read_by(world.connection, world.project, before.name, before.fingerprint)
    worker.close()
    world.views = (changed, kept)
    world.worker().drain()
    new = generations.read_by(world.connection, world.project, changed.name, changed.fingerprint)
    assert changed.fingerprint != before.fingerprint and new.prefix(world.project) != old.prefix(world.project)
    assert generations.read_by(world.connection, world.project, before.name, before.fingerprint) is None
    states = generations.states(world.connection, world.project)
    assert all(new in state.generations and old not in state.generations for state in states)
    rows_agree(world, taken, minutes={"by_item": 30})


def test_a_worker_of_older_declarations_stops(world):
    old = world.worker()
    old.drain()
    world.views = (declared("by_item", "item_id", minutes=30), world.views[1])
    newer = world.worker(lease_seconds=0.1)
    newer.drain()
    world.publish(some_events(100, 10, clock.now_us()))
    with pytest.raises(DeclarationsChanged, match="streamrank apply"):
        old.round()
