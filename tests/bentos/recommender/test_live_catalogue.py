"""The catalogue follows what events say: items start, move, end and come back, also those that it did not have."""

from uuid import uuid4

import numpy as np
import pyarrow as pa
import pytest

from bentos.recommender.candidates import catalogue_of
from bentos.recommender.live import Live
from catalog.live.item_states import ENDED, ITEM_STATES, KNOWN, STARTED
from catalog.live.on_air import OnAir, live_items
from streamrank.settings import feast_connection
from streamrank.stores.connection import ConnectionOptions, connect

NOW = 1_000_000_000


@pytest.fixture
def items(redis_server):
    """What events say of items, in Redis."""
    return live_items(connect(ConnectionOptions.parse(feast_connection(redis_server))), uuid4().hex)


@pytest.fixture
def live(items):
    promoted = pa.table({
        "item_id": ["film", "song", "soon"], "topics": [["a"], ["a", "b"], None], "popularity": [1.0, 9.0, 5.0],
        "available_from": pa.array([None, None, NOW + 50], pa.timestamp("us", "UTC")),
        "available_until": pa.array([None, NOW + 90, None], pa.timestamp("us", "UTC")),
    })  # fmt: skip
    return Live(catalogue_of(promoted), OnAir(items))


def say(items, position: int, item_id: str, status: int, **said: object) -> None:
    row = {"position": position, "item_id": item_id, "status": status, "ended_a": position, "ended_e": position} | said
    items.put(pa.Table.from_pylist([row], schema=ITEM_STATES))


def candidates(live, now_us: int = NOW, topics: tuple[str, ...] = ()) -> list[str]:
    live.sync()
    return live.catalogue.item_ids[live.catalogue.candidates(now_us, [*topics], 200)].tolist()


def test_what_was_started_comes_first_the_newest_before_the_others(live, items):
    assert candidates(live) == ["song", "film"]
    say(items, 1, "show", STARTED, available_from=NOW - 9, topics=["b"])
    say(items, 2, "later show", STARTED, available_from=NOW - 5)
    say(items, 3, "film", STARTED, available_from=NOW - 7)
    assert candidates(live) == ["later show", "film", "show", "song"]
    assert live.catalogue.by_topic["b"].tolist() == live.catalogue.places_of(["song", "show"]).tolist()


def test_what_ended_is_gone_until_it_starts_again(live, items):
    say(items, 1, "song", ENDED)
    say(items, 1, "show", STARTED, available_from=NOW - 9, available_until=NOW + 10)
    assert candidates(live) == ["show", "film"]
    assert candidates(live, NOW + 10) == ["film"], "its time is over without an end"
    say(items, 2, "show", ENDED)
    assert live.ended(["show", "song", "film"]).tolist() == [False, True, False], "not heard of yet"
    assert candidates(live) == ["film"]
    assert live.ended(["show", "song", "film"]).tolist() == [True, True, False]
    say(items, 3, "song", STARTED, available_from=NOW)
    assert candidates(live) == ["song", "film"]
    assert candidates(live, NOW + 10**9) == ["song", "soon", "film"], "a start without an end is open"


def test_an_update_moves_what_it_names_and_puts_nothing_new_on_air(live, items):
    say(items, 1, "soon", KNOWN, available_from=NOW)
    say(items, 1, "song", KNOWN, available_from=NOW + 20)
    say(items, 1, "unheard", KNOWN, available_from=NOW)
    assert candidates(live) == ["soon", "film"]
    assert candidates(live, NOW + 20) == ["song", "soon", "film"]
    assert candidates(live, NOW + 90) == ["soon", "film"], "until when it can be watched was not named"


def test_upcoming_are_the_soonest_first_and_say_when(live, items):
    say(items, 1, "first", STARTED, available_from=NOW + 10)
    say(items, 1, "never", STARTED, available_from=NOW + 10, available_until=NOW + 10)
    say(items, 1, "beyond", STARTED, available_from=2**62)
    say(items, 1, "cancelled", ENDED, available_from=NOW + 5)
    live.sync()
    found = live.catalogue.item_ids[live.catalogue.upcoming(NOW, 10)].tolist()
    assert found == ["first", "soon", "beyond"]
    assert live.catalogue.begins(["first", "film", "nobody"], NOW) == [NOW + 10, None, None]


def test_a_catalogue_that_was_handed_out_stays_as_it_is(live, items):
    before = live.catalogue
    say(items, 1, "show", STARTED, available_from=NOW)
    say(items, 1, "film", ENDED)
    live.sync()
    assert before.item_ids[before.candidates(NOW, [], 200)].tolist() == ["song", "film"]
    assert len(before) == 3
    assert not np.shares_memory(before.available_until, live.catalogue.available_until)


def test_many_changes_are_taken_in_by_pages(live, items):
    rows = [{"position": 1, "item_id": f"i{n}", "status": STARTED, "available_from": NOW} for n in range(4_500)]
    items.put(pa.Table.from_pylist(rows, schema=ITEM_STATES))
    live.sync()
    assert len(live.catalogue) == 4_503
