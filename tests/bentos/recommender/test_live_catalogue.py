"""The catalogue follows what events say: items start, move, end and come back, also those that it did not have."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pytest
from bentos_catalogues import catalogue

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
    soon = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=NOW + 50)
    over = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=NOW + 90)
    promoted = catalogue(
        {"item_id": "film", "topics": ["a"]}, {"item_id": "song", "topics": ["a", "b"], "available_until": over},
        {"item_id": "soon", "available_from": soon},
    )  # fmt: skip
    return Live(promoted, OnAir(items))


def say(items, position: int, item_id: str, status: int, **said: object) -> None:
    row = {"position": position, "item_id": item_id, "status": status, "ended_a": position, "ended_e": position} | said
    items.put(pa.Table.from_pylist([row], schema=ITEM_STATES))


def on_air(live, now_us: int = NOW) -> list[str]:
    live.sync()
    return live.catalogue.item_ids[live.catalogue.on_air(now_us)].tolist()


def newcomers(live) -> list[str]:
    """Items that the model has never seen, on air."""
    found = live.catalogue
    return found.item_ids[found.newcomers(found.on_air(NOW), 10)].tolist()


def test_a_new_item_stands_behind_the_others_with_what_was_said_of_it(live, items):
    assert on_air(live) == ["film", "song"]
    say(items, 1, "show", STARTED, available_from=NOW - 9, topics=["b"], creator_id="c", year=2020, title="A show")
    say(items, 2, "later show", STARTED, available_from=NOW - 5)
    say(items, 3, "film", STARTED, available_from=NOW - 7)
    assert on_air(live) == ["film", "song", "show", "later show"]
    assert newcomers(live) == ["later show", "show"], "the newest first, and none that the model knows"
    assert live.catalogue.item_ids.tolist() == live.catalogue.items.ids.tolist()
    show = live.catalogue.items.table.to_pylist()[3]
    told = ("topics", "creator_id", "year", "title", "series_id")
    assert [show[name] for name in told] == [["b"], "c", 2020, "A show", None]


def attributes(live) -> list[tuple]:
    """Title, topics and creator of each item, once sources know of them."""
    live.sync()
    live.renew()
    rows = live.catalogue.items.table.to_pylist()
    return [(row["title"], row["topics"], row["creator_id"]) for row in rows]


def test_what_an_update_names_is_changed_and_the_rest_stays(live, items):
    before = attributes(live)
    assert before == [(None, ["a"], None), (None, ["a", "b"], None), (None, None, None)]
    say(items, 1, "film", KNOWN, topics=["c"])
    say(items, 2, "song", KNOWN, title="A song")
    say(items, 3, "nobody's", KNOWN, title="not in the catalogue")
    say(items, 4, "show", STARTED, title="A show", topics=["b"])
    assert attributes(live) == [(None, ["c"], None), ("A song", ["a", "b"], None), (None, None, None),
                                ("A show", ["b"], None)]  # fmt: skip
    say(items, 5, "film", KNOWN, topics=["d"], creator_id="x")
    say(items, 6, "show", ENDED, title="A show", topics=["e"])
    assert attributes(live)[0] == (None, ["d"], "x") and attributes(live)[3] == ("A show", ["e"], None)
    assert "d" in live.catalogue.topics and "c" not in live.catalogue.topics


def test_where_nothing_changed_the_same_sources_stay(live, items):
    say(items, 1, "film", KNOWN, topics=["a"])
    live.sync()
    before = live.catalogue
    live.renew()
    assert live.catalogue is before


def test_what_ended_is_gone_until_it_starts_again(live, items):
    say(items, 1, "song", ENDED)
    say(items, 1, "show", STARTED, available_from=NOW - 9, available_until=NOW + 10)
    assert on_air(live) == ["film", "show"]
    assert on_air(live, NOW + 10) == ["film"], "its time is over without an end"
    say(items, 2, "show", ENDED)
    assert live.ended(["show", "song", "film"]).tolist() == [False, True, False], "not heard of yet"
    assert on_air(live) == ["film"]
    assert live.ended(["show", "song", "film"]).tolist() == [True, True, False]
    say(items, 3, "song", STARTED, available_from=NOW)
    assert on_air(live) == ["film", "song"]
    assert on_air(live, NOW + 10**9) == ["film", "song", "soon"], "a start without an end is open"


def test_an_update_moves_what_it_names_and_puts_nothing_new_on_air(live, items):
    say(items, 1, "soon", KNOWN, available_from=NOW)
    say(items, 1, "song", KNOWN, available_from=NOW + 20)
    say(items, 1, "unheard", KNOWN, available_from=NOW)
    assert on_air(live) == ["film", "soon"]
    assert on_air(live, NOW + 20) == ["film", "song", "soon"]
    assert on_air(live, NOW + 90) == ["film", "soon"], "until when it can be watched was not named"


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
    assert before.item_ids[before.on_air(NOW)].tolist() == ["film", "song"]
    assert len(before) == len(before.items) == 3
    assert not np.shares_memory(before.available_until, live.catalogue.available_until)


def test_many_changes_are_taken_in_by_pages(live, items):
    rows = [{"position": 1, "item_id": f"i{n}", "status": STARTED, "available_from": NOW} for n in range(4_500)]
    items.put(pa.Table.from_pylist(rows, schema=ITEM_STATES))
    live.sync()
    assert len(live.catalogue) == len(live.catalogue.items) == 4_503
