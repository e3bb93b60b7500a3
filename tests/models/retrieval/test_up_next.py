import numpy as np
import pytest
import tastes
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from models.retrieval import sampled_softmax, so_far, up_next, up_next_fitting
from models.retrieval.in_time import by_user
from models.retrieval.source import StepsAside
from models.retrieval.up_next import UpNext
from models.viewer import Viewer
from streamrank.clock import DAY, SECOND

ACTS = tastes.acts()
ITEMS, HIDDEN = 5, 3


@given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=4),
    latest=st.integers(1, 20),
    longest=st.integers(1, 20),
    seed=st.integers(0, 99),
)
def test_a_history_is_counted_act_by_act(lengths, latest, longest, seed):
    random = np.random.default_rng(seed)
    ends = np.cumsum(lengths)
    items, seconds = random.integers(0, ITEMS, ends[-1]), np.sort(random.integers(0, 999, ends[-1]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(so_far, "LATEST", latest)
        patch.setattr(so_far, "LONGEST", longest)
        known = so_far.so_far(items, seconds, ends - lengths, ends, seconds[ends - 1] + 7, ITEMS)
    for row, (end, length) in enumerate(zip(ends, lengths, strict=True)):
        for layer, many, fading in ((known.latest, latest, so_far.FADING), (known.whole, longest, 1.0)):
            history = items[end - min(length, many) : end][::-1]
            weights = np.array([fading**late for late in range(len(history))])
            expected = np.bincount(history, weights, ITEMS) / np.sqrt(weights.sum())
            np.testing.assert_allclose(layer.toarray()[row], expected, rtol=1e-5)
    assert set(known.span.tolist()) == {1}  # 7 seconds ago: between 4 and 24


def test_spans_grow_with_the_time_since_the_last_act_and_end():
    zeros, ones, now = np.zeros(5, np.int64), np.ones(5, np.int64), np.array([0, 1, 60, 86_400, 10**9])
    span = so_far.so_far(np.zeros(1, np.int64), np.zeros(1, np.int64), zeros, ones, now, 1).span
    assert (np.diff(span) >= 0).all() and span[0] == 0 and span[-1] == so_far.SPANS - 1


def test_acts_of_one_second_do_not_tell_each_other():
    users, seconds = np.array([0, 0, 0, 0, 1, 1]), np.array([1, 5, 5, 9, 5, 5])
    firsts, ends = up_next_fitting._histories(users, seconds)
    assert firsts.tolist() == [0, 0, 0, 0, 4, 4] and ends.tolist() == [0, 1, 1, 3, 4, 4]


@pytest.mark.parametrize("returns", [False, True])
def test_slopes_are_those_of_the_corrected_likelihood(returns):
    """Against differences of the loss itself, with no unit asleep."""
    random = np.random.default_rng(3)
    shapes = (ITEMS, HIDDEN), (ITEMS, HIDDEN), (so_far.SPANS, HIDDEN), (ITEMS, HIDDEN), (ITEMS,)
    weights = tuple(random.standard_normal(shape) for shape in shapes)
    items, seconds, zeros = np.array([1, 4, 1, 2]), np.array([0, 3, 60, 900]), np.zeros(3, np.int64)
    known = so_far.so_far(items, seconds, zeros, np.array([1, 2, 3]), seconds[1:], ITEMS)
    often = np.log(np.array([0.2, 0.9, 0.3, 0.1, 0.4]))
    found = up_next_fitting._slopes(weights, known, items[1:], returns, often, Awake())
    for layer, slope in zip(weights, found, strict=True):
        for place in np.ndindex(layer.shape):
            kept, losses = layer[place], []
            for shift in (1e-5, -1e-5):
                layer[place] = kept + shift
                losses.append(loss(weights, known, items[1:], returns, often))
            layer[place] = kept
            assert slope[place] == pytest.approx((losses[0] - losses[1]) / 2e-5, abs=1e-5)


class Awake:
    def random(self, shape, kind):
        return np.ones(shape, kind)


def loss(weights, known, items, returns, often):
    latest, whole, span, leave, usual = weights
    lost = 0.0
    for row, item in enumerate(items):
        history = known.whole.toarray()[row]
        bent = np.tanh(known.latest.toarray()[row] @ latest + history @ whole + span[known.span[row]])
        odds = leave @ bent / (1 - up_next_fitting.ASLEEP) + usual - often
        among = [place for place in np.unique(items) if returns or place == item or not history[place]]
        lost -= odds[item] - np.log(np.exp(odds[among]).sum())
    decayed = sum((layer**2).sum() for layer in (latest, whole, leave))
    return lost / len(items) + up_next_fitting.DECAY / 2 * decayed


def test_how_often_an_item_is_in_a_batch():
    counts, size = np.array([1, 10, 100]), 8
    draws = np.random.default_rng(0).choice(3, (20_000, size), p=counts / counts.sum())
    shares = [(draws == item).any(axis=1).mean() for item in range(3)]
    np.testing.assert_allclose(np.exp(sampled_softmax.often(counts, size)), shares, rtol=0.1)


def rounds(returns: bool) -> up_next.Interactions:
    """Everybody goes round the same items in the same order, beginning somewhere; round and round if they return."""
    users, items = 60, 30
    length = 45 if returns else 20
    begins = np.random.default_rng(5).integers(0, items, users)
    who = np.repeat(np.arange(users), length)
    which = (np.repeat(begins, length) + np.tile(np.arange(length), users)) % items
    return tastes.of(who, which, np.tile(np.arange(length), users) * DAY + who * SECOND, users, items)


def after(items, **more) -> Viewer:
    return Viewer(items=items, times=np.arange(len(items)) * DAY, weights=np.ones(len(items), np.float32), **more)


@pytest.mark.parametrize("returns", [False, True])
def test_what_follows_in_the_histories_of_others_comes_first(returns):
    fitted = UpNext.fit(rounds(returns), tastes.items(30))
    assert fitted.returns is returns
    found = fitted.find(after(np.arange(3, 9)), tastes.moment(30, now=6 * DAY), np.ones(30, bool), 5)
    assert found.places[0] == 9
    assert np.isnan(found.of(np.arange(3, 9))).all() != returns


def test_what_somebody_picks_is_as_if_done_now():
    fitted = UpNext.fit(rounds(False), tastes.items(30))
    moment, allowed = tastes.moment(30, now=6 * DAY), np.ones(30, bool)
    picked = fitted.find(Viewer(picked=np.arange(3, 9)), moment, allowed, 5)
    assert 9 in picked.places
    beside = fitted.find(after(np.arange(3, 8), picked=np.array([8])), moment, allowed, 5)
    assert 9 in beside.places
    assert not len(fitted.find(Viewer(), moment, allowed, 5).places)


def test_a_new_item_gets_no_score_and_does_no_harm():
    fitted = UpNext.fit(rounds(False), tastes.items(30)).extended(tastes.items(31))
    moment, allowed = tastes.moment(31, now=6 * DAY), np.ones(31, bool)
    found = fitted.find(after(np.r_[np.arange(3, 9), 30]), moment, allowed, 31)
    assert 30 not in found.places and np.isnan(found.of(np.array([30]))).all()


def test_saved_and_loaded_it_finds_the_same(tmp_path):
    fitted = UpNext.fit(ACTS, tastes.items())
    fitted.save(tmp_path)
    loaded, viewer = UpNext.load(tmp_path, tastes.items()), tastes.viewer(ACTS, 3)
    found = [each.find(viewer, tastes.moment(), tastes.unseen(viewer), 20) for each in (fitted, loaded)]
    np.testing.assert_array_equal(found[0].places, found[1].places)
    np.testing.assert_array_equal(found[0].scores, found[1].scores)


def test_the_same_bits_whatever_the_threads():
    many = UpNext.fit(ACTS, tastes.items())
    with threadpool_limits(1):
        one = UpNext.fit(ACTS, tastes.items())
    for ours, others in zip(many.weights, one.weights, strict=True):
        np.testing.assert_array_equal(ours, others)


def test_times_that_do_not_tell_and_too_many_items_make_it_step_aside(monkeypatch):
    with pytest.raises(StepsAside, match="up_next: times tell the order of 0%"):
        UpNext.fit(tastes.of([0, 0, 1, 1], [0, 1, 0, 1], [5, 5, 5, 5], 2, 2), tastes.items(2))
    monkeypatch.setattr(up_next, "MOST_ITEMS", tastes.ITEMS - 1)
    with pytest.raises(StepsAside, match="up_next: takes at most 59 items, found 60"):
        UpNext.fit(ACTS, tastes.items())


def test_some_users_speak_for_all_where_there_are_many():
    assert len(np.unique(ACTS.of_users(10).users)) == 10
    assert ACTS.of_users(tastes.USERS) is ACTS
    assert len(by_user(ACTS)) == len(ACTS)
