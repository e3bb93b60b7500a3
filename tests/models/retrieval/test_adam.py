import numpy as np
import pytest

from models.retrieval.adam import Adam

LOW = np.array([3.0, -2.0], np.float32)


def slope(at):
    return (2 * (at - LOW)).astype(np.float32)


def test_the_first_step_is_as_long_as_the_rate_whatever_the_slope():
    at = np.zeros(2, np.float32)
    Adam((at,), 0.1).step([slope(at)])
    assert at == pytest.approx(0.1 * np.sign(LOW), rel=1e-5)


def test_it_comes_to_the_lowest_point():
    at = np.zeros(2, np.float32)
    adam = Adam((at,), 0.05)
    for _ in range(500):
        adam.step([slope(at)])
    assert at == pytest.approx(LOW, abs=1e-2)
    assert adam.mean[0] is at


def test_the_mean_of_late_steps_lies_nearer_where_slopes_are_of_chance():
    random, at = np.random.default_rng(0), np.zeros(2, np.float32)
    adam, off, steady = Adam((at,), 0.5, 0.99), [], []
    for _ in range(2_000):
        adam.step([slope(at) + random.normal(0, 5, 2).astype(np.float32)])
        off.append(np.abs(at - LOW).mean())
        steady.append(np.abs(adam.mean[0] - LOW).mean())
    assert np.mean(steady[1_000:]) < np.mean(off[1_000:]) / 2
