"""What the ranker is held against, from data sets of one kind of event each."""

import json

import numpy as np
import pyarrow as pa
import pytest
from histories import DAY, make_data_set

from pipelines.baselines import baselines

INTERESTS = "topics of interest"
ITEMS = [{"item_id": f"i{number}", "topics": [f"t{number % 2}"]} for number in range(6)]


def acts(kind: str, **more) -> list[dict]:
    """u acts on items of topic t0, others once more often on those of t1."""
    of = [("u", 0), ("u", 2), *((f"o{turn}", item) for turn in range(3) for item in (1, 3, 5))]
    return [
        {"event_type": kind, "user_id": user, "item_id": f"i{item}", "topics": [f"t{item % 2}"],
         "event_time": DAY * (1 + place), **more} for place, (user, item) in enumerate(of)
    ]  # fmt: skip


def rows() -> pa.Table:
    return pa.table(
        {"user_id": ["u"] * 6, "item_id": [item["item_id"] for item in ITEMS], "request_time": [DAY * 60] * 6}
    )


@pytest.mark.parametrize(
    "kind, more",
    [
        ("view", {}),
        ("click", {}),
        ("like", {}),
        ("rating", {"value": 5.0}),
        ("session", {"watch_ms": 60_000, "duration_ms": 60_000}),
    ],
)
def test_topics_are_of_what_somebody_did_whatever_kind_of_act_it_was(platform, kind, more):
    scores, aside = baselines(make_data_set(acts(kind, **more), ITEMS), rows(), None)
    assert INTERESTS not in aside
    assert set(np.argsort(-scores[INTERESTS])[:3]) == {0, 2, 4}


def test_what_was_only_shown_says_nothing_of_topics(platform):
    _, aside = baselines(make_data_set([*acts("impression"), *acts("click")[2:]], ITEMS), rows(), None)
    assert "acted on" in aside[INTERESTS]


def test_topics_that_only_events_told_of_items_count_too(platform):
    told = [
        {"event_type": "item_start", "item_id": item["item_id"], "event_time": DAY,
         "attributes": json.dumps({"topics": item["topics"]})} for item in ITEMS
    ]  # fmt: skip
    scores, aside = baselines(make_data_set([*told, *acts("view")]), rows(), None)
    assert INTERESTS not in aside and set(np.argsort(-scores[INTERESTS])[:3]) == {0, 2, 4}
