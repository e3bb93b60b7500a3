"""The served log says what happened to an item on its way, and which of its numbers no feature store holds."""

from datetime import UTC, datetime

import numpy as np
import pyarrow.parquet as pq
import pytest

from bentos.recommender.query import Left, Ranked, Stages
from bentos.recommender.seeds import seed_of
from bentos.recommender.served_rows import served_rows, served_schema
from validation.audit.served import pieces

SCHEMA = served_schema(["views", "als_score"], sources=["als_score"])
REQUEST = {
    "request_id": "r",
    "as_of": datetime(2026, 3, 1, tzinfo=UTC),
    "user_id": "u",
    "model_version": "v",
    "seed": 7,
}
NAN = np.nan


@pytest.fixture
def found() -> Ranked:
    """Three candidates: the second is shown before the first, the third was left out."""
    stages = Stages(
        ("als", "fresh"), np.array([[1, NAN], [2, 1], [NAN, NAN]], np.float32), np.array([1, 2, 3], np.int32),
        np.array([NAN, 0.25, NAN]), {1: ("moved up 1: new",), 2: ("left out: seen already",)},
    )  # fmt: skip
    ids, scores = np.array(["a", "b", "c"], dtype=object), np.array([0.3, 0.2, 0.1])
    order, gone = np.array([1, 0]), np.array([2])
    features = np.array([[1, 5], [2, 6], [3, NAN]], np.float32)
    left = Left(ids[gone], scores[gone], gone)
    return Ranked(ids[order], scores[order], order, None, features, stages=stages, left=left, known_by="history")


def test_a_sampled_request_holds_what_re_ranking_left_out_too(found):
    rows = served_rows(SCHEMA, found, 1, True, **REQUEST).to_pylist()
    told = [(row["item_id"], row["slot"], row["stood"], row["propensity"], row["found_by"]) for row in rows]
    assert told == [("b", 1, 2, 0.25, ["als", "fresh"]), ("a", None, 1, None, ["als"]), ("c", None, 3, None, [])]
    assert [row["changes"] for row in rows] == [["moved up 1: new"], None, ["left out: seen already"]]
    assert [(row["views"], row["als_score"]) for row in rows] == [(2, 6), (1, 5), (3, None)]
    assert {(row["known_by"], row["seed"]) for row in rows} == {("history", 7)}


def test_other_requests_hold_what_was_returned(found):
    assert served_rows(SCHEMA, found, 1, False, **REQUEST)["item_id"].to_pylist() == ["b"]


def test_the_audit_passes_over_what_sources_gave(found, tmp_path):
    folder = tmp_path / "served_on=2026-03-01"
    folder.mkdir()
    pq.write_table(served_rows(SCHEMA, found, 2, True, **REQUEST), folder / "rows.parquet")
    (piece,) = pieces(tmp_path)
    assert piece.features == ("views",) and "als_score" in piece.columns


def test_the_seed_of_a_request_is_its_own_and_an_int64():
    seeds = {seed_of(f"request-{number}") for number in range(1_000)}
    assert len(seeds) == 1_000 and min(seeds) >= 0 and max(seeds) < 2**63
    assert seed_of("request-1") == seed_of("request-1")
