"""What is tried before a ranker is kept, by what the log says."""

import numpy as np
import pyarrow as pa
import pytest

from models.rankers import kinds
from pipelines.choosing import STEADY, choose
from pipelines.training_set import TrainingSet

USERS, EACH = 150, 8
FEATURES = ["item_good", "user_level_click_rate", "ut_clicks_before"]


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    """Users who want more or less; their clicks so far are another column."""
    random = np.random.default_rng(3)
    users, eager = np.repeat(np.arange(USERS), EACH), np.repeat(random.normal(size=USERS), EACH)
    good = random.normal(size=USERS * EACH)
    clicks = (eager + good + random.logistic(size=len(good)) > 0).astype(np.int8)
    before = (np.cumsum(clicks.reshape(USERS, EACH), axis=1) - clicks.reshape(USERS, EACH)).ravel()
    times = np.tile(np.arange(EACH), USERS) * 1_000_000 + users
    values = {"qid": times, "label": clicks, "user_id": users.astype(str), "request_time": times}
    values |= dict(zip(FEATURES, (good, eager, before), strict=True))
    return pa.table(values).sort_by("request_time")


def about(shown: bool) -> TrainingSet:
    return TrainingSet(USERS * EACH, USERS * EACH, 1, FEATURES, "ranker", "click", "", "", shown=shown)


def test_where_impressions_are_logged_columns_are_tried_without_what_follows_the_user(rows):
    told = choose(rows, about(shown=True), ("logistic",), trials=0).told
    assert told["columns"][STEADY]["user_auc"] > told["columns"]["features"]["user_auc"]
    assert told["kept"] == STEADY
    assert STEADY not in choose(rows, about(shown=False), ("logistic",), trials=0).told.get("columns", {})


def test_the_sum_of_trees_and_network_is_tried_where_impressions_are_logged(rows):
    assert set(choose(rows, about(shown=True), trials=0).told["kinds"]) == set(kinds.OF_SHOWN)
    assert set(choose(rows, about(shown=False), trials=0).told["kinds"]) == set(kinds.USUAL)
