"""The estimators against two policies that really ran side by side."""

import pytest

from pipelines.open_bandit import check
from streamrank.environment import default_root


@pytest.fixture(scope="module")
def found() -> dict:
    return check(default_root() / "cache")


def test_every_interval_holds_what_the_other_policy_really_earned(found):
    covers = [
        estimates[name]["covers"]
        for directions in found.values()
        for of in directions.values()
        for estimates in of["estimates"].values()
        for name in ("ips", "snips", "dr")
    ]
    assert len(covers) == 36
    assert all(covers)


def test_where_one_policy_hardly_covers_the_other_the_support_says_so(found):
    support = found["women"]["Thompson sampling -> uniform"]["estimates"]["unclipped"]["support"]
    assert support["effective"] < 10
    assert support["mean_weight"] > 2
    assert found["women"]["uniform -> Thompson sampling"]["estimates"]["unclipped"]["support"]["effective"] > 3_000
