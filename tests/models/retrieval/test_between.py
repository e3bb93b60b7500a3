import numpy as np
import pytest
import tastes
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from models.retrieval import between, between_fitting
from models.retrieval.between import Between
from models.retrieval.between_fitting import Batch
from models.retrieval.source import StepsAside
from models.viewer import Viewer
from streamrank.clock import DAY, SECOND

ACTS = tastes.acts()
ITEMS, HIDDEN = 5, 3


def test_slopes_are_those_of_the_corrected_likelihood():
    """Against differences of the loss itself, with no unit asleep."""
    random = np.random.default_rng(3)
    shapes = (3 * ITEMS, HIDDEN), (ITEMS, HIDDEN), (HIDDEN,), (ITEMS, HIDDEN), (ITEMS,)
    weights = tuple(random.standard_normal(shape) for shape in shapes)
    told = Batch(np.array([0, 1]), np.array([0, 0, 1]), np.array([1, 4, 1]), np.array([1.0, 0, 1]))
    near = csr_array(random.random((3, 3 * ITEMS)) * (random.random((3, 3 * ITEMS)) < 0.3))
    whole = np.array([[1.0, 1, 0, 0, 0], [0, 1, 1, 0, 0]])
    often = np.log(np.array([0.2, 0.9, 0.3, 0.1, 0.4]))
    given = told, near, whole, often
    found = between_fitting._slopes(weights, *given, Awake())
    for layer, slope in zip(weights, found, strict=True):
        for place in np.ndindex(layer.shape):
            assert slope[place] == pytest.approx(difference(weights, layer, place, given), abs=1e-5)


class Awake:
    def random(self, shape, kind):
        return np.ones(shape, kind)


def difference(weights, layer, place, given, far=1e-5):
    kept, losses = layer[place], []
    for shift in (far, -far):
        layer[place] = kept + shift
        losses.append(loss(weights, *given))
    layer[place] = kept
    return (losses[0] - losses[1]) / (2 * far)


def loss(weights, told, near, whole, often):
    enter, every, bend, leave, usual = weights
    lost = 0.0
    for row, item in enumerate(told.items):
        rest = whole[told.of[row]].copy()
        rest[item] = 0
        history = rest @ every / np.sqrt(max(rest.sum(), 1))
        bent = np.tanh(near.toarray()[row] @ enter + history + bend) / (1 - between_fitting.ASLEEP)
        odds = leave @ bent + usual - often
        among = [place for place in np.unique(told.items) if not rest[place]]
        lost -= odds[item] - np.log(np.exp(odds[among]).sum())
    decayed = sum((layer**2).sum() for layer in (enter, every, leave))
    return lost / len(told.items) + between_fitting.DECAY / 2 * decayed


def test_each_act_is_in_one_batch_and_few_of_a_user_stand_together():
    users = np.sort(np.random.default_rng(0).integers(0, 30, 2_000))
    batches = list(between_fitting._batches(users, 512, np.random.default_rng(0), 100))
    assert np.sort(np.concatenate(batches)).tolist() == list(range(2_000))
    assert max(map(len, batches)) == 512
    assert min(len(np.unique(users[batch])) for batch in batches[:-1]) > 15
    assert len(list(between_fitting._batches(users, 512, np.random.default_rng(0), 2))) == 2


def stories() -> between.Interactions:
    """Everybody goes through the same items in the same order, each in another month, beginning somewhere."""
    users, length, items = 60, 20, 60
    begins = np.random.default_rng(5).integers(0, items, users)
    who = np.repeat(np.arange(users), length)
    which = (np.repeat(begins, length) + np.tile(np.arange(length), users)) % items
    times = np.tile(np.arange(length), users) * 60 * SECOND + who * DAY
    return tastes.of(who, which, times, users, items)


def test_what_is_left_out_of_the_order_of_others_is_found(monkeypatch):
    monkeypatch.setattr(between_fitting, "PASSES", 24)
    fitted = Between.fit(stories(), tastes.items(60))
    seen = np.r_[20:26, 27:34]
    viewer = Viewer(items=seen, times=np.arange(len(seen)) * 60 * SECOND, weights=np.ones(len(seen), np.float32))
    allowed = np.ones(60, bool)
    allowed[seen] = False
    assert 26 in fitted.find(viewer, tastes.moment(), allowed, 3).places


def test_what_the_viewer_did_gets_no_score_and_what_they_picked_says_something():
    fitted = Between.fit(ACTS, tastes.items())
    seen = tastes.viewer(ACTS, 0)
    assert np.isnan(fitted.find(seen, tastes.moment(), tastes.unseen(seen), 5).of(seen.items)).all()
    picked = fitted.find(Viewer(picked=np.array([2, 5, 7])), tastes.moment(), np.ones(tastes.ITEMS, bool), 5)
    assert (picked.places < tastes.ITEMS // 2).all()


def test_the_same_bits_whatever_the_threads():
    many = Between.fit(ACTS, tastes.items())
    with threadpool_limits(1):
        one = Between.fit(ACTS, tastes.items())
    for name in between.NAMES:
        np.testing.assert_array_equal(getattr(many, name), getattr(one, name))


def test_times_that_do_not_tell_and_too_many_items_make_it_step_aside(monkeypatch):
    with pytest.raises(StepsAside, match="between: times tell the order of 0%"):
        Between.fit(tastes.of([0, 0, 1, 1], [0, 1, 0, 1], [5, 5, 5, 5], 2, 2), tastes.items(2))
    monkeypatch.setattr(between, "MOST_ITEMS", tastes.ITEMS - 1)
    with pytest.raises(StepsAside, match="between: takes at most 59 items, found 60"):
        Between.fit(ACTS, tastes.items())
