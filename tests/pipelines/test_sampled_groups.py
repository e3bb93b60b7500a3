"""Positives taken evenly over users' days, beside items that the user had not touched."""

import numpy as np
import pyarrow as pa
import pytest
from histories import DAY

from catalog.schema import INSTANT
from pipelines import sampled_groups
from pipelines.labels import LABELLED

START = 20_000 * DAY


def acts(*days: int, user: str = "u") -> list[dict]:
    """Positive rows of a user, one for each given day; items are numbered on."""
    return [
        {
            "user_id": user, "item_id": f"i{number}", "request_id": None, "surface": None,
            "shown_at": START + day * DAY + number, "known_at": START + day * DAY + number, "label": 1,
        }
        for number, day in enumerate(days)
    ]  # fmt: skip


def catalogue(size: int, **available: int) -> pa.Table:
    """Items i0, i1, ...; those named are available from the given microsecond on."""
    names = [f"i{number}" for number in range(size)]
    return pa.table({
        "item_id": names,
        "available_from": pa.array([available.get(name) for name in names], INSTANT),
        "available_until": pa.nulls(size, INSTANT),
    })  # fmt: skip


def sampled(rows: list[dict], items: pa.Table) -> list[dict]:
    return sampled_groups.sampled_groups(pa.Table.from_pylist(rows, LABELLED), items).to_pylist()


def test_a_group_is_one_positive_and_twenty_items_the_user_never_touched():
    rows = acts(0, 1, 2)
    found = sampled(rows, catalogue(100))
    for group in (1, 2, 3):
        labels = {row["item_id"]: row["label"] for row in found if row["qid"] == group}
        assert sum(labels.values()) == 1 and len(labels) == 21
        assert not {item for item, label in labels.items() if not label} & {row["item_id"] for row in rows}


def test_a_group_is_asked_a_microsecond_before_the_act_and_knows_only_what_was_on_air():
    first, second = acts(0, 1)
    found = sampled([first, second], catalogue(100, i50=second["shown_at"] - 1, i51=second["shown_at"]))
    assert {row["request_time"] for row in found if row["qid"] == 2} == {second["shown_at"] - 1}
    shown = [
        {row["item_id"] for row in sampled([first, second], catalogue(25, i24=START + day * DAY))} for day in (0, 9)
    ]
    assert "i24" in shown[0] and "i24" not in shown[1]
    assert all(row["item_id"] != "i51" for row in found)


def test_each_day_of_each_user_gives_one_positive_before_any_gives_a_second(monkeypatch):
    rows = acts(*[0] * 30, 1, 2) + acts(0, 3, user="v")
    monkeypatch.setattr(sampled_groups, "MAX_ROWS", 5 * 21)
    positives = [row for row in sampled(rows, catalogue(200)) if row["label"]]
    days = sorted((row["user_id"], (row["request_time"] + 1 - START) // DAY) for row in positives)
    assert days == [("u", 0), ("u", 1), ("u", 2), ("v", 0), ("v", 3)]


def test_there_are_at_most_so_many_rows(monkeypatch):
    monkeypatch.setattr(sampled_groups, "MAX_ROWS", 100)
    assert len(sampled(acts(*range(50)), catalogue(300))) <= 100


def test_the_same_rows_give_the_same_sample():
    rows = acts(*range(20)) + acts(*range(5), user="v")
    assert sampled(rows, catalogue(80)) == sampled(rows, catalogue(80))


def test_items_are_drawn_by_how_often_they_are_acted_on_and_evenly(monkeypatch):
    crowd = [row for number in range(200) for row in acts(0, user=f"u{number}")]  # all of them act on i0
    rows = crowd + [dict(row, item_id="i7") for row in acts(*range(300), user="v")]
    shares = {}
    for share in (0.0, 1.0):
        monkeypatch.setattr(sampled_groups, "POPULAR_SHARE", share)
        monkeypatch.setattr(sampled_groups, "PER_DAY", 1)
        negatives = [row for row in sampled(rows, catalogue(500)) if row["user_id"] == "v" and not row["label"]]
        shares[share] = np.mean([row["item_id"] == "i0" for row in negatives])
    assert shares[0.0] == pytest.approx(1 / 500, abs=0.002) and shares[1.0] == 1
