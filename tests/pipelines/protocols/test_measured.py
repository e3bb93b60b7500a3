"""Figures of lists: what an interval of coverage says, by drawing many samples of users whose lists are known."""

import numpy as np
import pytest
from protocol_worlds import items_of

from models import metrics
from pipelines.protocols.measured import Measuring, Ranked


def lists(random: np.random.Generator, users: int, catalogue: int, skew: float) -> np.ndarray:
    """Ten different items a user, popular ones more often, int64 [users, 10]."""
    chances = np.arange(1, catalogue + 1.0) ** -skew
    return np.argsort(random.exponential(size=(users, catalogue)) / chances, axis=1)[:, :10]


def coverage(shown: np.ndarray, catalogue: int) -> dict:
    ranking = metrics.listed(list(shown), [row[:1] for row in shown])
    found = Ranked(ranking, shown.ravel(), np.arange(len(shown)), np.full(len(shown), catalogue))
    return Measuring(items_of(catalogue), np.ones(catalogue), of_all=False).of_lists(found)["coverage@10"]


@pytest.mark.parametrize("users, catalogue, skew", [(20, 30, 0.5), (50, 60, 1.0), (40, 300, 1.2)])
def test_an_interval_of_coverage_holds_the_true_value_and_never_more_than_the_catalogue(users, catalogue, skew):
    random = np.random.default_rng(3)
    samples = [lists(random, users, catalogue, skew) for _ in range(60)]
    true = np.mean([len(np.unique(shown)) for shown in samples]) / catalogue
    found = [coverage(shown, catalogue) for shown in samples[:40]]
    assert all(0 <= each["low"] <= each["mean"] <= each["high"] <= 1 for each in found)
    assert np.mean([each["low"] <= true <= each["high"] for each in found]) >= 0.85


def test_where_everything_is_shown_the_interval_says_what_could_have_been_missing():
    random = np.random.default_rng(5)
    found = [coverage(lists(random, 20, 30, 0.5), 30) for _ in range(40)]
    whole = [each for each in found if each["mean"] == 1]
    assert whole and all(each["high"] == 1 and each["low"] < 1 for each in whole)
