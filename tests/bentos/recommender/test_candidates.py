"""Candidates from memory are on air, popular first, and half of them of the user's topics."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from bentos.recommender.candidates import UNKNOWN, catalogue_of
from catalog.schema import INSTANT, TOPICS
from streamrank.clock import microseconds

NOW = datetime(2026, 3, 1, tzinfo=UTC)
EARLIER, LATER = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
SCHEMA = pa.schema([
    ("item_id", pa.string()), ("creator_id", pa.string()), ("topics", TOPICS), ("title", pa.string()),
    ("available_from", INSTANT), ("available_until", INSTANT), ("popularity", pa.float64()),
])  # fmt: skip


def catalogue(*items):
    rows = [dict(zip(SCHEMA.names, item, strict=True)) for item in items]
    return catalogue_of(pa.Table.from_pylist(rows, schema=SCHEMA))


def ids(found, places) -> list[str]:
    return found.item_ids[places].tolist()


@pytest.fixture
def shows():
    return catalogue(
        ("quiet", "ann", ["art"], "Quiet", None, None, 1.0),
        ("loud", "bob", ["music", "art"], "Loud", None, None, 9.0),
        ("over", "bob", ["music"], "Over", None, NOW, 8.0),
        ("soon", "ann", ["music"], "Soon", LATER, None, 7.0),
        ("opening", None, None, "Opening", NOW, LATER, 6.0),
        ("song", "cy", ["music"], "Song", EARLIER, LATER, 2.0),
        ("new", "cy", [], "New", EARLIER, None, None),
    )


def test_only_what_is_on_air_is_popular(shows):
    assert ids(shows, shows.popular(microseconds(NOW), 10)) == ["loud", "opening", "song", "quiet", "new"]
    assert ids(shows, shows.popular(microseconds(LATER), 10)) == ["loud", "soon", "quiet", "new"]


def test_half_of_the_candidates_are_of_the_users_topics(shows):
    now = microseconds(NOW)
    assert ids(shows, shows.candidates(now, ["art"], 4)) == ["loud", "quiet", "opening", "song"]
    assert ids(shows, shows.candidates(now, ["art", "music", "chess"], 2)) == ["loud", "opening"]
    assert ids(shows, shows.candidates(now, ["chess"], 2)) == ["loud", "opening"]
    assert ids(shows, shows.candidates(now, [], 3)) == ["loud", "opening", "song"]


def test_no_candidate_is_named_twice(shows):
    places = shows.candidates(microseconds(NOW), ["art", "music", "art"], 200)
    assert sorted(ids(shows, places)) == ["loud", "new", "opening", "quiet", "song"]


def test_an_unknown_item_has_no_place_and_no_popularity(shows):
    places = shows.places_of(["loud", "nobody", "opening"])
    assert places[1] == UNKNOWN
    assert shows.popularity_of(places).tolist() == [9.0, 0.0, 6.0]


def test_equally_popular_items_come_in_a_fixed_order():
    tied = catalogue(*[(name, None, None, None, None, None, 1.0) for name in ("c", "a", "b")])
    assert ids(tied, tied.popular(0, 10)) == ["a", "b", "c"]


def test_an_empty_catalogue_has_no_candidates():
    nothing = catalogue_of(SCHEMA.empty_table())
    assert nothing.candidates(0, ["art"], 200).tolist() == []
    assert np.array_equal(nothing.popularity_of(nothing.places_of(["x"])), [0.0])
