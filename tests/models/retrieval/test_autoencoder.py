import numpy as np
import pytest
import tastes
from threadpoolctl import threadpool_limits

from models.retrieval import autoencoder
from models.retrieval.autoencoder import Autoencoder
from models.retrieval.source import StepsAside
from models.viewer import Viewer

ACTS = tastes.acts()


def test_slopes_are_those_of_the_multinomial_likelihood():
    """Against differences of the loss itself, with nothing hidden from the network."""
    random = np.random.default_rng(3)
    whole = (random.random((5, 7)) < 0.4).astype(np.float32)
    whole[:, 0] = 1
    weights = tuple(random.standard_normal(shape) for shape in ((7, 3), (3,), (3, 7), (7,)))
    for layer, slope in zip(weights, autoencoder._slopes(weights, whole, Nothing()), strict=True):
        for place in np.ndindex(layer.shape):
            assert slope[place] == pytest.approx(difference(weights, layer, place, whole), abs=1e-5)


class Nothing:
    """Chance that hides nothing, so that what is left is scaled as if half were."""

    def random(self, shape, kind):
        return np.ones(shape, kind)


def difference(weights, layer, place, whole, far=1e-5):
    kept, losses = layer[place], []
    for shift in (far, -far):
        layer[place] = kept + shift
        losses.append(loss(weights, whole))
    layer[place] = kept
    return (losses[0] - losses[1]) / (2 * far)


def loss(weights, whole):
    enter, bend, leave, usual = weights
    part = whole / ((1 - autoencoder.HID) * np.sqrt(whole.sum(axis=1, keepdims=True)))
    told = np.tanh(part @ enter + bend) @ leave + usual
    told = told - np.log(np.exp(told).sum(axis=1, keepdims=True))
    return -(whole * told).sum() / len(whole) + autoencoder.DECAY / 2 * ((enter**2).sum() + (leave**2).sum())


def test_what_others_of_the_taste_did_stands_above_what_is_only_popular():
    fitted = Autoencoder.fit(ACTS, tastes.items())
    scores = fitted.find(Viewer(picked=np.array([2, 5, 7])), tastes.moment(), np.ones(tastes.ITEMS, bool), 60).of
    half = tastes.ITEMS // 2
    assert scores(np.arange(half)).mean() > scores(np.arange(half, tastes.ITEMS)).mean() + 1


def test_the_same_bits_whatever_the_threads():
    many = Autoencoder.fit(ACTS, tastes.items())
    with threadpool_limits(1):
        one = Autoencoder.fit(ACTS, tastes.items())
    for name in autoencoder.NAMES:
        np.testing.assert_array_equal(getattr(one, name), getattr(many, name))


def test_it_steps_aside_where_dense_layers_would_be_too_large(monkeypatch):
    monkeypatch.setattr(autoencoder, "MOST_ITEMS", tastes.ITEMS - 1)
    with pytest.raises(StepsAside, match="autoencoder: takes at most 59 items, found 60"):
        Autoencoder.fit(ACTS, tastes.items())


def test_many_users_cost_no_more_than_the_bounds(monkeypatch):
    monkeypatch.setattr(autoencoder, "MOST_USERS", 30)
    assert autoencoder._some(ACTS.matrix()).shape == (30, tastes.ITEMS)
    monkeypatch.setattr(autoencoder, "BATCH", 16)
    monkeypatch.setattr(autoencoder, "STEPS", 7)
    batches = list(autoencoder._batches(40, np.random.default_rng(0)))
    assert [len(batch) for batch in batches] == [16, 16, 8, 16, 16, 8, 16]
    assert sorted(np.concatenate(batches[:3])) == list(range(40))
