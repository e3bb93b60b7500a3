import pytest

from catalog import open_bandit
from catalog.errors import InputError
from catalog.sql import query
from streamrank.environment import default_root

CACHE = default_root() / "cache"  # the checkout's own, so that the logs are fetched once and not for every run


def test_a_log_says_what_was_shown_where_how_likely_and_whether_it_was_clicked():
    rows = open_bandit.log(CACHE, "random", "men")
    assert rows.column_names == ["shown_at", "item", "slot", "click", "propensity"]
    counted = query(
        "SELECT count(*) AS n, sum(click)::INT AS clicks, count(DISTINCT item) AS items FROM rows", rows=rows
    )
    assert counted.to_pylist() == [{"n": 10_000, "clicks": 46, "items": 34}]
    assert set(rows["slot"].to_pylist()) == {1, 2, 3}
    assert set(rows["propensity"].to_pylist()) == {1 / 34}
    assert rows["shown_at"].to_pylist() == sorted(rows["shown_at"].to_pylist())


def test_thompson_samplings_propensities_are_probabilities():
    propensity = open_bandit.log(CACHE, "bts", "all")["propensity"].to_numpy()
    assert (propensity > 0).all() and (propensity <= 1).all()


def test_a_campaign_that_is_not_there_is_named():
    with pytest.raises(InputError, match=r"expected one of .* found 'shoes'"):
        open_bandit.log(CACHE, "bts", "shoes")
