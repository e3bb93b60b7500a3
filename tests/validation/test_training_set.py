"""What an unsound training set is refused for, and what the refusal says."""

import numpy as np
import pyarrow as pa
import pytest

from validation.training_set import UnsoundTrainingSet, check, require_sound

ASKED, KNOWN, NOW = 1_000, 2_000, 10_000


def sound(groups: int = 30) -> pa.Table:
    """Groups of four rows with one positive."""
    rows = groups * 4
    random = np.random.default_rng(1)
    return pa.table({
        "qid": np.repeat(np.arange(groups), 4),
        "label": pa.array(np.tile([0, 1, 0, 0], groups), pa.int8()),
        "user_id": [f"u{row // 4}" for row in range(rows)],
        "item_id": [f"i{row}" for row in range(rows)],
        "creator_id": pa.nulls(rows, pa.string()),
        "request_time": pa.array([ASKED] * rows, pa.int64()),
        "event_timestamp": pa.array([ASKED] * rows, pa.timestamp("us", "UTC")),
        "known_at": pa.array([KNOWN] * rows, pa.int64()),
        "item_click_rate_60d": pa.array(random.random(rows), pa.float32()),
        "item_views_7d": pa.array([None, *range(rows - 1)], pa.float32()),
        "topic_overlap": pa.array([1.4] * rows, pa.float32()),
        "item_age_days": pa.array([-3.0] * rows, pa.float32()),
    })  # fmt: skip


def with_value(column: str, place: int, value) -> pa.Table:
    rows = sound()
    values = rows[column].to_pylist()
    values[place] = value
    index = rows.schema.get_field_index(column)
    return rows.set_column(index, rows.schema.field(column), pa.array(values, rows.schema.field(column).type))


def test_a_sound_set_passes_whatever_is_missing_in_features():
    assert check(sound(), NOW) == []
    require_sound(sound(), NOW)


@pytest.mark.parametrize(
    ("column", "value", "expectation"),
    [
        ("user_id", None, "no null user_id"),
        ("item_id", None, "no null item_id"),
        ("label", 2, "a label is 0 or 1"),
        ("label", None, "no null label"),
        ("known_at", NOW + 1, "no outcome later than now"),
        ("known_at", ASKED, "no row asked at or after its outcome"),
        ("item_click_rate_60d", 1.2, "item_click_rate_60d is a share"),
        ("item_click_rate_60d", -0.1, "item_click_rate_60d is a share"),
        ("item_views_7d", -1, "item_views_7d is at least 0"),
        ("topic_overlap", -0.5, "topic_overlap is at least 0"),
        ("request_time", ASKED + 1, "a group is asked at one instant"),
    ],
)
def test_one_wrong_value_is_found_and_named(column, value, expectation):
    found = {failure.expectation: failure for failure in check(with_value(column, 5, value), NOW)}
    assert expectation in found
    example = found[expectation].examples[0]
    assert example["qid"] == 1
    assert column not in example or column == "request_time" or example[column] in (value, pytest.approx(value))


@pytest.mark.parametrize(
    ("labels", "expectation"),
    [([0, 0, 0, 0], "the set has a positive"), ([1, 1, 1, 1], "the set has a negative")],
)
def test_a_set_without_both_outcomes_is_refused(labels, expectation):
    rows = sound(1)
    rows = rows.set_column(1, "label", pa.array(labels, pa.int8()))
    (failure,) = check(rows, NOW)
    assert (failure.expectation, failure.rows) == (expectation, 4)


def test_the_refusal_names_expectation_column_rows_and_examples():
    with pytest.raises(UnsoundTrainingSet) as refusal:
        require_sound(with_value("item_views_7d", 9, -4.0), NOW)
    said = str(refusal.value)
    assert "item_views_7d is at least 0 on column 'item_views_7d': broken by 1 rows" in said
    assert "'user_id': 'u2', 'item_id': 'i9', 'item_views_7d': -4.0" in said
    assert "nothing was written" in said
