"""A bus held against a plain model: random publishing, duplicates, jumps of the clock, and every way of reading."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import Server
from streams import SPAN_US, Model, a_bus, events, rows

from streamrank import clock
from streamrank.clock import VirtualClock
from streamrank.events.shards import NEVER, SHARDS

START = 1_700_000_000 * 1_000_000
# Few ids and users, so that duplicates are many; 40 ids on one user make chunks with a choice of gaps.
offered = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), max_size=25)
steps = st.integers(-2 * SPAN_US, 6 * SPAN_US)
histories = st.lists(st.tuples(steps, offered), min_size=1, max_size=8)


@pytest.fixture(scope="module")
def connection(bus_server: Server):
    return a_bus(bus_server.address).connection


def _play(bus, history) -> Model:
    model, now = Model(), START
    for step, offer in history:
        now += step  # clocks go back too
        ids, users = [f"e{number}" for number, _ in offer], [f"u{user}" for _, user in offer]
        with clock.use(VirtualClock(now)):
            published = bus.publish(events(ids, users, now), events(ids, users)["user_id"])
        positions, duplicate = model.publish(now, ids, users)
        assert published.positions.tolist() == positions
        assert published.duplicate.tolist() == duplicate
    return model


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories, data=st.data())
def test_a_bus_takes_stamps_and_gives_back_as_the_model_does(connection, history, data):
    bus = a_bus(connection)
    model = _play(bus, history)
    assert bus.ends().tolist() == [taken[-1][1] if taken else NEVER for taken in model.taken]
    for shard, taken in enumerate(model.taken):
        positions = [position for _, position in taken]
        assert positions == sorted(set(positions))
        bounds = st.sampled_from([*positions, *(p + 1 for p in positions), START]) if positions else st.just(START)
        first, last, after = data.draw(bounds), data.draw(bounds), data.draw(bounds)
        assert rows(bus.read_range(shard, first, last)) == [row for row in taken if first <= row[1] <= last]
        found = bus.read({shard: after}, 1_000)
        assert rows(found.get(shard)) == [row for row in taken if row[1] > after]
    everything = bus.read(dict.fromkeys(range(SHARDS), NEVER), 100_000)
    assert {shard: rows(table) for shard, table in everything.items()} == {s: t for s, t in enumerate(model.taken) if t}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories, most=st.integers(1, 60))
def test_reading_on_from_where_one_stopped_meets_every_event_once_in_order(connection, history, most):
    bus = a_bus(connection)
    model = _play(bus, history)
    after, met = dict.fromkeys(range(SHARDS), NEVER), [[] for _ in range(SHARDS)]
    while found := bus.read(after, most):
        for shard, table in found.items():
            met[shard] += rows(table)
            after[shard] = met[shard][-1][1]
    assert met == model.taken


def test_chunks_of_a_large_publish_stay_in_order_and_know_ids_across_them(connection, monkeypatch):
    monkeypatch.setattr("streamrank.events.redis_streams.publishing.CHUNK_EVENTS", 7)
    bus, model = a_bus(connection), Model()
    ids = [f"e{number % 60}" for number in range(100)]
    users = [f"u{number % 5}" for number in range(100)]
    with clock.use(VirtualClock(START)):
        published = bus.publish(events(ids, users), events(ids, users)["user_id"])
    positions, duplicate = model.publish(START, ids, users)
    assert published.positions.tolist() == positions
    assert published.duplicate.tolist() == duplicate
    everything = bus.read(dict.fromkeys(range(SHARDS), NEVER), 100_000)
    assert {shard: rows(table) for shard, table in everything.items()} == {s: t for s, t in enumerate(model.taken) if t}
