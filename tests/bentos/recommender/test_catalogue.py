"""The catalogue in memory: what is on air, what is to come, and what is popular, by place."""

from datetime import UTC, datetime

import numpy as np
import pytest
from bentos_catalogues import catalogue

from bentos.recommender.catalogue import UNKNOWN
from streamrank.clock import microseconds

NOW = datetime(2026, 3, 1, tzinfo=UTC)
EARLIER, LATER = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture
def shows():
    return catalogue(
        {"item_id": "quiet"},
        {"item_id": "over", "available_until": NOW},
        {"item_id": "soon", "available_from": LATER},
        {"item_id": "opening", "available_from": NOW, "available_until": LATER},
        {"item_id": "later", "available_from": datetime(2027, 1, 1, tzinfo=UTC)},
        {"item_id": "song", "available_from": EARLIER},
        popularity=(1.0, 9.0, 8.0, float("nan"), 3.0, None),
    )


def ids(found, places) -> list[str]:
    return found.item_ids[places].tolist()


def test_what_is_on_air_began_and_is_not_over(shows):
    assert ids(shows, shows.on_air(microseconds(NOW))) == ["quiet", "opening", "song"]
    assert ids(shows, shows.on_air(microseconds(LATER))) == ["quiet", "soon", "song"]


def test_upcoming_are_the_soonest_first_and_as_many_as_asked(shows):
    assert ids(shows, shows.upcoming(microseconds(NOW), 10)) == ["soon", "later"]
    assert ids(shows, shows.upcoming(microseconds(NOW), 1)) == ["soon"]
    assert shows.begins(["soon", "song", "nobody"], microseconds(NOW)) == [microseconds(LATER), None, None]


def test_an_unknown_item_has_no_place_and_no_popularity(shows):
    places = shows.places_of(["over", "nobody", "song"])
    assert places[1] == UNKNOWN
    assert shows.popularity_of(places).tolist() == [9.0, 0.0, 0.0]


def test_popularity_that_nobody_knows_is_none(shows):
    assert shows.popularity.tolist() == [1.0, 9.0, 8.0, 0.0, 3.0, 0.0]
    assert catalogue({"item_id": "film"}).popularity.tolist() == [0.0]


def test_an_empty_catalogue_has_nothing():
    nothing = catalogue()
    assert nothing.upcoming(0, 10).tolist() == []
    assert nothing.newcomers(np.zeros(0, bool), 10).tolist() == []
    assert np.array_equal(nothing.popularity_of(nothing.places_of(["x"])), [0.0])
