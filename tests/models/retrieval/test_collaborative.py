"""What holds for every source that learns from others' acts."""

import numpy as np
import pytest
import tastes
from hypothesis import given, settings
from hypothesis import strategies as st

from models.retrieval.als import Als
from models.retrieval.autoencoder import Autoencoder
from models.retrieval.between import Between
from models.retrieval.item_item import ItemItem
from models.retrieval.near import Near
from models.retrieval.sittings import Sittings
from models.retrieval.source import StepsAside
from models.retrieval.transitions import Transitions
from models.retrieval.walks import Walks
from models.viewer import Viewer

KINDS = [Als, ItemItem, Sittings, Autoencoder, Between, Near, Walks, Transitions]
ACTS, CATALOGUE, MOMENT = tastes.acts(), tastes.items(), tastes.moment()


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def source(request):
    return request.param.fit(ACTS, CATALOGUE)


def found(source, viewer, most=10):
    return source.find(viewer, MOMENT, tastes.unseen(viewer), most)


def test_it_proposes_unseen_items_of_the_viewers_taste(source):
    for user in (0, 1):
        viewer = tastes.viewer(ACTS, user)
        places = found(source, viewer, 3).places
        assert len(places) == 3
        assert not np.isin(places, viewer.items).any()
        assert ((places >= tastes.ITEMS // 2) == bool(user)).all()


def test_scores_fall_and_are_those_of_any_place_asked(source):
    answer = found(source, tastes.viewer(ACTS, 0), 8)
    assert (np.diff(answer.scores) <= 0).all()
    assert answer.scores.dtype == np.float32
    np.testing.assert_array_equal(answer.of(answer.places), answer.scores)
    assert np.isnan(answer.of(np.array([tastes.ITEMS + 5]))).all()


def test_a_viewer_of_whom_nothing_is_known_gets_nothing(source):
    assert len(found(source, Viewer()).places) == 0


def test_acts_on_items_that_came_after_the_fit_are_passed_over(source):
    known, new = tastes.viewer(ACTS, 2), np.array([tastes.ITEMS + 3])
    later = Viewer(items=np.append(known.items, new), times=np.append(known.times, tastes.NOW - 1),
                   weights=np.append(known.weights, np.float32(1)))  # fmt: skip
    allowed = np.append(tastes.unseen(known), np.ones(10, bool))
    places = source.extended(tastes.items(tastes.ITEMS + 10)).find(later, MOMENT, allowed, 100).places
    assert len(places) and (places < tastes.ITEMS).all()


def test_the_same_acts_give_the_same_bits_and_so_does_what_was_saved(source, tmp_path):
    source.save(tmp_path)
    others = [type(source).fit(ACTS, CATALOGUE), type(source).load(tmp_path, CATALOGUE)]
    for user in range(4):
        viewer = tastes.viewer(ACTS, user)
        first = found(source, viewer)
        for other in others:
            np.testing.assert_array_equal(found(other, viewer).places, first.places)
            np.testing.assert_array_equal(found(other, viewer).scores, first.scores)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_acts_that_have_nothing_in_common_make_it_step_aside(kind):
    with pytest.raises(StepsAside, match=kind.name):
        kind.fit(tastes.of([0], [1], [5], 3, 4), tastes.items(4))
    with pytest.raises(StepsAside, match=kind.name):
        kind.fit(tastes.of([], [], [], 3, 4), tastes.items(4))


@given(st.sets(st.integers(0, tastes.ITEMS - 1), min_size=1), st.integers(1, 30))
@settings(max_examples=20, deadline=None)
def test_only_what_is_allowed_is_found_each_once_and_no_more_than_asked(allowed, most):
    may = np.isin(np.arange(tastes.ITEMS), list(allowed))
    for kind in KINDS:
        places = FITTED[kind].find(tastes.viewer(ACTS, 3), MOMENT, may, most).places
        assert may[places].all() and len(places) == len(set(places.tolist())) <= most


FITTED = {kind: kind.fit(ACTS, CATALOGUE) for kind in KINDS}
