"""What holds for every source, whatever it looks at."""

import json

import numpy as np
import pytest
import rich_world
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.retrieve.world import NOW
from models.retrieval import sources
from models.retrieval.sources import ALL, fit_all, load
from models.viewer import Moment, Viewer

ACTS, ITEMS = rich_world.known()
FITTED = fit_all(ACTS, ITEMS)
EVERY = np.arange(len(ITEMS))
BARE = Moment(NOW, np.ones(len(ITEMS), bool), np.full(len(ITEMS), np.iinfo(np.int64).min),
              np.zeros(len(ITEMS), np.float32), np.full(len(ITEMS), np.nan, np.float32))  # fmt: skip


@pytest.fixture(params=FITTED.sources, ids=FITTED.names)
def source(request):
    return request.param


def found(source, viewer, allowed=None, most=25):
    moment = rich_world.moment()
    return source.find(viewer, moment, moment.on_air if allowed is None else allowed, most)


def test_every_source_can_be_fitted_to_data_that_have_it_all():
    assert FITTED.aside.keys() <= {"titles"}, "which needs an extra"
    assert FITTED.names == [kind.name for kind in ALL if kind.name not in FITTED.aside]


@settings(max_examples=20, deadline=None)
@given(user=st.integers(0, 9), seed=st.integers(0, 99), most=st.integers(1, 40))
def test_what_is_found_is_allowed_once_and_falls(user, seed, most):
    allowed = np.random.default_rng(seed).random(len(ITEMS)) < 0.6
    for source in FITTED.sources:
        answer = found(source, rich_world.viewers()[user], allowed, most)
        assert len(answer.places) <= most and allowed[answer.places].all()
        assert len(np.unique(answer.places)) == len(answer.places)
        assert answer.scores.dtype == np.float32 and not np.isnan(answer.scores).any()
        assert (np.diff(answer.scores) <= 0).all()
        np.testing.assert_array_equal(answer.of(answer.places), answer.scores)


def test_no_allowed_item_that_is_better_is_left_out(source):
    answer = found(source, rich_world.viewers()[0], most=5)
    if len(answer.places) == 5:
        proposed = found(source, rich_world.viewers()[0], most=len(ITEMS)).places
        rest = np.setdiff1d(proposed, answer.places)
        assert not (answer.of(rest) > answer.scores.min()).any()


def test_a_viewer_and_a_moment_of_which_nothing_is_known_give_nothing(source):
    assert len(source.find(Viewer(), BARE, BARE.on_air, 10).places) == 0
    assert np.isnan(source.find(Viewer(), BARE, BARE.on_air, 10).of(EVERY)).all()


def test_it_never_changes_what_it_is_given(source):
    viewer, moment = rich_world.viewers()[1], rich_world.moment()
    before = [array.copy() for array in (viewer.items, viewer.weights, moment.recent, moment.begins, moment.watching)]
    found(source, viewer)
    after = (viewer.items, viewer.weights, moment.recent, moment.begins, moment.watching)
    assert all(np.array_equal(one, other, equal_nan=True) for one, other in zip(before, after, strict=True))


def test_saved_and_loaded_it_gives_the_same_bits(tmp_path):
    FITTED.save(tmp_path)
    loaded = load(tmp_path, ITEMS)
    assert loaded.names == FITTED.names and not list(tmp_path.rglob("*.pkl"))
    for source, same in zip(FITTED.sources, loaded.sources, strict=True):
        for viewer in rich_world.viewers()[:3]:
            np.testing.assert_array_equal(found(source, viewer).places, found(same, viewer).places)
            np.testing.assert_array_equal(found(source, viewer).of(EVERY), found(same, viewer).of(EVERY))


def test_a_longer_catalogue_changes_no_score_of_the_old_items(source):
    items = rich_world.grown(ITEMS, topics=["chess"], creator_id="c0", title="w1 w2")
    more = source.extended(items)
    moment = rich_world.longer(rich_world.moment(), NOW - 1)
    for viewer in rich_world.viewers()[:3]:
        answer = more.find(viewer, moment, moment.on_air, 25)
        np.testing.assert_array_equal(answer.of(EVERY), found(source, viewer).of(EVERY))


def test_a_viewer_may_know_items_that_a_source_does_not(source):
    known = rich_world.viewers()[0]
    beyond = np.append(known.items[:-1], len(ITEMS) + 3)
    viewer = Viewer("u", beyond, known.times, known.weights, known.watched, known.ratings, picked=np.array([900]))
    allowed = np.ones(len(ITEMS), bool)
    assert (source.find(viewer, rich_world.moment(), allowed, 10).places < len(ITEMS)).all()


def test_sources_without_their_inputs_step_aside_and_say_why():
    bare = sources.fit_all(*bare_data())
    assert {"content", "fresh", "followed", "continue_watching"} <= bare.aside.keys()
    assert all(reason.startswith(f"{name}: ") for name, reason in bare.aside.items())
    assert "trending" in bare.names and "als" in bare.names


def test_no_acts_at_all_leave_no_source_that_learns_from_them():
    nothing = sources.fit_all(ACTS.only(slice(0)), ITEMS)
    assert {"als", "item_item", "transitions", "again", "trending"} <= nothing.aside.keys()


def test_aside_is_kept_with_the_others(tmp_path):
    fitted = sources.fit_all(*bare_data())
    fitted.save(tmp_path)
    assert load(tmp_path, bare_data()[1]).aside == fitted.aside
    assert json.loads((tmp_path / sources.INDEX).read_text())["sources"] == fitted.names


def test_a_name_that_no_source_has_is_told():
    with pytest.raises(ValueError, match="no source of candidates is named serendipity; there are als, "):
        fit_all(ACTS, ITEMS, ["als", "serendipity"])


def test_only_keeps_the_order():
    assert FITTED.only(["trending", "als"]).names == ["als", "trending"]


def bare_data():
    """Acts and ids, nothing else; nobody comes back."""
    import tastes

    return tastes.acts(), tastes.items()
