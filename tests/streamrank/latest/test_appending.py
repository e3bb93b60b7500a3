"""Appending batches to stored rows on a real server: however acts are cut into batches, and however often these are
brought, a row is what its position says."""

from collections.abc import Iterator
from itertools import count, pairwise

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from latest_views import Event, declared, row, table, without_nan

from streamrank.latest import rows
from streamrank.latest.appending import append, appends, packing
from streamrank.settings import feast_connection
from streamrank.stores.connection import Connection, ConnectionOptions, connect
from streamrank.stores.packing.keys import component, entity_keys
from streamrank.windows.errors import DeclarationError
from streamrank.windows.merging import Merged

VIEW = declared(most=4)
USERS = ["ann", "bob", "c"]
prefixes = (f"acts{number}:".encode() for number in count())


@pytest.fixture(scope="module")
def connection(redis_server: str) -> Iterator[Connection]:
    made = connect(ConnectionOptions.parse(feast_connection(redis_server)))
    yield made
    made.delete_prefix(b"acts")
    made.close()


def batch(events: list[Event], view=VIEW):
    with duckdb.connect(config={"threads": 1}) as duck:
        duck.register("events", table(events))
        return appends(view, rows.table(duck, view))


def stored(connection: Connection, prefix: bytes) -> dict[str, tuple | None]:
    keys = entity_keys(prefix, [component("user_id", VIEW.key_types["user_id"], pa.array(USERS))], len(USERS))
    packed = packing(VIEW)
    found = packed.unpack(connection.fetch(keys), list(VIEW.columns), {packed.layout.id: packed.layout})
    columns = [without_nan(found.columns[name].to_pylist()) for name in VIEW.columns]
    whole = zip(found.found.tolist(), found.event_us.tolist(), found.created_us.tolist(), *columns, strict=True)
    return {user: tuple(each) if there else None for user, (there, *each) in zip(USERS, whole, strict=True)}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(USERS), st.integers(-30, 3), st.lists(st.sampled_from("xyz"), max_size=3),
                       st.none() | st.floats(0, 9, width=32)), max_size=30),
    st.lists(st.integers(0, 30), max_size=4), st.randoms(use_true_random=False),
)  # fmt: skip
def test_rows_are_those_of_all_acts_however_often_a_batch_is_brought(connection, drawn, cuts, chance):
    prefix = next(prefixes)
    events = [Event(at, at + ahead, user, tuple(words), amount)
              for at, (user, ahead, words, amount) in enumerate(drawn, 100)]  # fmt: skip
    bounds = [0, *sorted(min(cut, len(events)) for cut in cuts), len(events)]
    parts = [events[start:stop] for start, stop in pairwise(bounds)]
    for place, part in enumerate(parts):
        append(connection, prefix, VIEW, batch(part))
        again = chance.choice(parts[: place + 1])
        append(connection, prefix, VIEW, batch(again))  # a batch of before, brought by one who was held up
        done = [event for each in parts[: place + 1] for event in each]
        assert stored(connection, prefix) == {user: row(done, user, 10**6, VIEW.most) for user in USERS}


def test_it_tells_how_many_keys_changed(connection):
    prefix, acts = next(prefixes), batch([Event(1, 1, "ann"), Event(2, 2, "bob"), Event(3, 3, "bob")])
    assert append(connection, prefix, VIEW, acts) == Merged(2, 0)
    assert append(connection, prefix, VIEW, acts) == Merged(0, 2)
    assert append(connection, prefix, VIEW, batch([])) == Merged(0, 0)


def test_one_batch_of_more_acts_than_are_kept_leaves_the_last(connection):
    prefix = next(prefixes)
    append(connection, prefix, VIEW, batch([Event(at, at, "ann", (str(at),)) for at in range(1, 10)]))
    assert stored(connection, prefix)["ann"][:3] == (9, 9, ["6", "7", "8", "9"])


def test_a_writer_that_was_overtaken_changes_nothing(connection, monkeypatch):
    """It has read a row, is held up, and writes what it made of it after another has gone on."""
    prefix, put = next(prefixes), connection.put
    append(connection, prefix, VIEW, batch([Event(1, 1, "ann", ("a",))]))

    def held_up(keys, values, *more):
        monkeypatch.setattr(connection, "put", put)
        append(connection, prefix, VIEW, batch([Event(2, 2, "ann", ("b",)), Event(3, 3, "ann", ("c",))]))
        return put(keys, values, *more)

    monkeypatch.setattr(connection, "put", held_up)
    assert append(connection, prefix, VIEW, batch([Event(2, 2, "ann", ("b",))])) == Merged(0, 1)
    assert stored(connection, prefix)["ann"][2] == ["a", "b", "c"]


def test_acts_of_a_key_in_two_shards_are_refused():
    acts = table([Event(1, 1, "ann"), Event(2, 2, "ann")])
    with duckdb.connect() as duck, pytest.raises(DeclarationError, match="one shard"):
        duck.register("events", acts.set_column(1, "shard", pa.array([0, 1], pa.int32())))
        appends(VIEW, rows.table(duck, VIEW))
