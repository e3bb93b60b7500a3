"""What is said of candidates by what they are: topics and years that a viewer comes to more often than others."""

import numpy as np
import pyarrow as pa
import pytest
import tastes

from catalog.schema import ITEMS as SCHEMA
from models.items import Items
from models.retrieval.era import Era
from models.retrieval.lift import lifts
from models.retrieval.source import StepsAside
from models.retrieval.topic_taste import TopicTaste
from models.viewer import Viewer

KINDS = [TopicTaste, Era]
ACTS, MOMENT = tastes.acts(), tastes.moment()
HALF = tastes.ITEMS // 2


def told(count: int = tastes.ITEMS) -> Items:
    """The first half are of the topic `old` and of 1960, the second half of `new` and 2000; all are `film` too."""
    rows = [
        {
            "item_id": name,
            "topics": ["film", "new" if place >= HALF else "old"],
            "year": 2000 if place >= HALF else 1960,
        }
        for place, name in enumerate(tastes.names("i", count))
    ]
    rows[5] |= {"topics": None, "year": None}
    return Items(pa.Table.from_pylist(rows, SCHEMA))


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def source(request):
    return request.param.fit(ACTS, told())


def said(source, viewer, places):
    return source.find(viewer, MOMENT, np.ones(tastes.ITEMS, bool), 200).of(np.asarray(places))


def test_what_is_of_the_viewers_kind_is_above_0_and_the_rest_below(source):
    first, second = (said(source, tastes.viewer(ACTS, user), [1, HALF + 1]) for user in (0, 1))
    assert first[0] > 0 > first[1] and second[1] > 0 > second[0]


def test_it_proposes_nothing_and_says_nothing_of_what_it_does_not_know(source):
    found = source.find(tastes.viewer(ACTS, 0), MOMENT, np.ones(tastes.ITEMS, bool), 200)
    assert len(found.places) == len(found.scores) == 0
    assert np.isnan(found.of(np.array([5, tastes.ITEMS + 9]))).all()
    assert np.isnan(said(source, Viewer(), [1])).all()


def test_new_items_are_told_of_from_their_first_minute(source):
    extended = source.extended(told(tastes.ITEMS + 4))
    found = extended.find(tastes.viewer(ACTS, 1), MOMENT, np.ones(tastes.ITEMS + 4, bool), 200)
    assert found.of(np.array([tastes.ITEMS + 2])) > 0


def test_what_is_saved_says_the_same(source, tmp_path):
    source.save(tmp_path)
    loaded, places = type(source).load(tmp_path, told()), np.arange(tastes.ITEMS)
    for user in range(3):
        viewer = tastes.viewer(ACTS, user)
        np.testing.assert_array_equal(said(loaded, viewer, places), said(source, viewer, places))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_items_that_are_all_alike_or_unknown_make_it_step_aside(kind):
    with pytest.raises(StepsAside, match=kind.name):
        kind.fit(ACTS, tastes.items())
    alike = Items(pa.Table.from_pylist([{"item_id": n, "topics": ["a"], "year": 1990} for n in ACTS.item_ids], SCHEMA))
    with pytest.raises(StepsAside, match=kind.name):
        kind.fit(ACTS, alike)


def test_a_viewer_who_does_as_all_do_has_no_lift_and_few_acts_tell_little():
    shares = np.array([0.2, 0.8])
    np.testing.assert_allclose(lifts(10 * shares, shares, 10), 0, atol=1e-12)
    little, much = lifts(np.array([1, 0]), shares, 1), lifts(np.array([30, 0]), shares, 30)
    assert 0 < little[0] < much[0] and 0 > little[1] > much[1]
