import numpy as np

from pipelines.protocols.calibration import calibration


def test_what_is_foretold_of_half_of_the_users_is_found_where_scores_rise_with_the_chance():
    random = np.random.default_rng(2)
    users, scores = random.integers(0, 400, 40_000), random.normal(size=40_000)
    labels = (random.random(40_000) < 1 / (1 + np.exp(2 - scores))).astype(int)
    parts = calibration(3 * scores + 5, labels, users)
    assert len(parts) == 10 and sum(part["rows"] for part in parts) < 25_000
    np.testing.assert_allclose([part["foretold"] for part in parts], [part["found"] for part in parts], atol=0.04)
    assert (np.diff([part["foretold"] for part in parts]) >= 0).all()


def test_scores_that_say_nothing_are_seen_to_say_nothing():
    random = np.random.default_rng(3)
    parts = calibration(random.normal(size=9_000), random.integers(0, 2, 9_000), random.integers(0, 90, 9_000))
    foretold = [part["foretold"] for part in parts]
    assert max(foretold) - min(foretold) < 0.2


def test_one_outcome_tells_nothing():
    assert calibration(np.arange(50.0), np.ones(50, int), np.arange(50)) == []
