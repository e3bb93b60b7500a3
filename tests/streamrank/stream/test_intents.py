import time

import pytest
from streamed_world import World, rows_agree, some_events

from streamrank import clock
from streamrank.events.shards import NEVER, SHARDS
from streamrank.stream import generations
from streamrank.stream.intents import BUSY, HELD, LOST, MOVED, close_intents, open_intents
from streamrank.stream.leases import Leases, fair_share

SHARD = 3


class Owner:
    """A worker's view of one shard."""

    def __init__(self, world: World, name: str, ttl_us: int = 60_000_000) -> None:
        self.world, self.name = world, name
        self.leases = Leases(world.connection, world.project, name, ttl_us)

    def claim(self):
        return self.leases.claim([SHARD]).get(SHARD)

    def open(self, claim, last: int, committed: int | None = None):
        held = {SHARD: claim.committed if committed is None else committed}
        opened, refused = open_intents(
            self.world.connection, self.world.project, self.name, {SHARD: claim.epoch}, held, {SHARD: last}
        )
        return opened.get(SHARD) or refused[SHARD]

    def close(self, claim, intent) -> bool:
        place = (self.world.connection, self.world.project, self.name)
        return SHARD not in close_intents(*place, {SHARD: claim.epoch}, {SHARD: intent})


@pytest.fixture
def owner(world) -> Owner:
    return Owner(world, "one")


@pytest.fixture
def other(world) -> Owner:
    return Owner(world, "other")


def test_a_shard_has_one_owner_until_its_lease_runs_out(world, other):
    brief = Owner(world, "one", ttl_us=1)
    claim = brief.claim()
    assert claim.committed == NEVER and claim.intent is None and claim.generations == ()
    again = other.claim()
    assert again.epoch == claim.epoch + 1
    assert brief.claim() is None
    assert brief.leases.renew({SHARD: claim.epoch}) == {SHARD}
    assert other.leases.renew({SHARD: again.epoch}) == set()


def test_a_lease_that_is_given_away_is_free_at_once(owner, other):
    claim = owner.claim()
    assert other.claim() is None
    owner.leases.release({SHARD: claim.epoch})
    assert other.claim().epoch == claim.epoch + 1


def test_what_is_closed_is_committed_on_the_bus(world, owner):
    claim = owner.claim()
    intent = owner.open(claim, 100)
    assert (intent.first, intent.last, intent.place) == (NEVER + 1, 100, "bus")
    assert owner.close(claim, intent)
    assert world.bus.committed("windows")[SHARD] == 100
    assert owner.open(claim, 150, committed=100).first == 101


def test_there_is_one_open_intent_a_shard_and_it_follows_what_is_committed(owner):
    claim = owner.claim()
    assert owner.open(claim, 100, committed=50) == MOVED
    intent = owner.open(claim, 100)
    assert owner.open(claim, 100) == BUSY
    assert owner.close(claim, intent) and not owner.close(claim, intent)
    assert owner.open(claim, 200) == MOVED


def test_who_lost_a_shard_can_neither_open_nor_close(world, other):
    paused = Owner(world, "one", ttl_us=1)
    claim = paused.claim()
    intent = paused.open(claim, 100)
    taken = other.claim()
    assert taken.intent == intent
    assert not paused.close(claim, intent)
    assert other.close(taken, taken.intent)
    assert paused.open(claim, 200, committed=100) == LOST


def test_a_held_shard_opens_nothing_until_the_hold_ends(world, owner):
    claim, names = owner.claim(), generations.Generation("a view!", "abc-1")
    place = (world.connection, world.project)
    assert generations.hold(*place, [SHARD], "token", 60_000_000) == {SHARD: NEVER}
    assert generations.hold(*place, [SHARD], "another", 60_000_000) == {}
    assert owner.open(claim, 100) == HELD
    assert generations.join(*place, "another", {SHARD: NEVER}, names) == set()
    assert generations.join(*place, "token", {SHARD: NEVER}, names) == {SHARD}
    assert owner.open(claim, 100).generations == (names.name,)
    assert generations.generation(names.name) == names


def test_a_hold_that_ran_out_holds_nothing(world, owner):
    claim = owner.claim()
    assert generations.hold(world.connection, world.project, [SHARD], "token", 0)
    assert generations.join(world.connection, world.project, "token", {SHARD: NEVER}, _generation()) == set()
    assert owner.open(claim, 100).generations == ()


def test_a_shard_is_not_at_rest_while_an_intent_is_open(world, owner):
    claim = owner.claim()
    intent = owner.open(claim, 100)
    place = (world.connection, world.project)
    assert generations.hold(*place, [SHARD], "token", 60_000_000) == {}
    assert owner.close(claim, intent)
    assert generations.hold(*place, [SHARD], "token", 60_000_000) == {SHARD: 100}


def test_workers_share_evenly():
    assert [fair_share(workers) for workers in (0, 1, 2, 3, SHARDS, SHARDS + 1)] == [16, 16, 8, 6, 1, 1]


def test_workers_that_beat_are_counted(owner, other):
    assert owner.leases.beat() == 1
    assert other.leases.beat() == 2
    assert other.leases.beat(alive=False) == 1


def test_a_worker_that_was_paused_past_its_lease_does_no_harm(world):
    """It wakes with a batch half merged, which another has finished meanwhile, and goes on merging."""
    paused, heir = world.worker(lease_seconds=0.001), world.worker(lease_seconds=0.1)
    paused.round()
    taken = world.publish(some_events(400, 1, clock.now_us()))
    batch = paused._ahead.next(paused._owning.committed)
    epochs, committed = paused._owning.held(), dict(paused._owning.committed)
    place = (world.connection, world.project, paused.name)
    intents, refused = open_intents(*place, epochs, committed, batch.lasts)
    assert not refused
    first, *_ = batch.events
    paused._applying._merged(batch.of([first]), {first: intents[first]})
    time.sleep(0.15)  # for the heir it is not among the living any more
    done = heir.round()
    assert (done.recovered, done.events) == (SHARDS, 400)
    late = paused._applying.finish(batch, epochs, intents)
    assert late.merged == 0 and not late.committed
    rows_agree(world, taken)


def _generation() -> generations.Generation:
    return generations.Generation("view", "abc-1")
