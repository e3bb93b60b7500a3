"""What must hold of a training set before anything is learned from it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from catalog.errors import InputError
from catalog.sql import query
from validation.checks import broken

EXAMPLES = 3
SHARES = ("_rate_", "_ratio_", "_share")
AMOUNTS = ("_shares_", "_impressions_", "_views_", "_likes_", "_follows_", "_days_", "_overlap")
SIGNED = "_slope"  # of amounts: a change goes either way
ALWAYS = ("qid", "label", "user_id", "item_id", "request_time", "event_timestamp")


class UnsoundTrainingSet(InputError):
    """The set breaks expectations; the message names each with its column, the rows that break it and examples."""


@dataclass(frozen=True)
class Failure:
    """One broken expectation: what was expected of which column, in how many rows it is not so, and some of them."""

    expectation: str
    column: str
    rows: int
    examples: list

    def __str__(self) -> str:
        found = ", ".join(str(example) for example in self.examples)
        return f"{self.expectation} on column {self.column!r}: broken by {self.rows:,} rows, such as {found}"


def require_sound(rows: pa.Table, now_us: int) -> None:
    """Raises UnsoundTrainingSet unless every expectation holds of `rows`.

    rows: qid, label, user_id, item_id, request_time, known_at (when the outcome was known; microseconds), the features.
    now_us: the present.
    """
    if failures := check(rows, now_us):
        listed = "\n  ".join(str(failure) for failure in failures)
        raise UnsoundTrainingSet(
            f"the training set breaks {len(failures)} expectations, nothing was written:\n  {listed}"
        )


def check(rows: pa.Table, now_us: int) -> list[Failure]:
    """The expectations that `rows` breaks, none when it is sound."""
    judged = _judged(rows)
    expectations = _expectations(judged, now_us)
    frame = judged.select(list(dict.fromkeys(column for column, _ in expectations.values()))).to_pandas()
    masks = broken(frame, {name: expectation for name, (_, expectation) in expectations.items()})
    return [
        _failure(name, expectations[name][0], judged, mask) for name, mask in masks.items() if mask.any()
    ]  # fmt: skip


def _judged(rows: pa.Table) -> pa.Table:
    """The rows, with what their group holds, and how long after the question the outcome was known."""
    return query(JUDGED, rows=rows)


def _expectations(rows: pa.Table, now_us: int) -> Mapping[str, tuple]:
    import great_expectations.expectations as gxe

    def between(column: str, **bounds: float) -> tuple:
        return column, gxe.ExpectColumnValuesToBeBetween(column=column, **bounds)

    found = {f"no null {name}": (name, gxe.ExpectColumnValuesToNotBeNull(column=name)) for name in ALWAYS}
    found |= {
        "a label is 0 or 1": ("label", gxe.ExpectColumnValuesToBeInSet(column="label", value_set=[0, 1])),
        "no outcome later than now": between("known_at", max_value=now_us),
        "no row asked at or after its outcome": between("known_after", min_value=1),
        "the set has a positive": between("positives", min_value=1),
        "the set has a negative": between("negatives", min_value=1),
        "a group is asked at one instant": between("group_spread", max_value=0),
    }
    for name in _features(rows):
        if any(part in name for part in SHARES) and "_shares_" not in name:
            found[f"{name} is a share"] = between(name, min_value=0, max_value=1.000001)
        elif any(part in name for part in AMOUNTS) and not name.endswith(SIGNED):
            found[f"{name} is at least 0"] = between(name, min_value=0)
    return found


def _features(rows: pa.Table) -> list[str]:
    return [field.name for field in rows.schema if pa.types.is_float32(field.type)]


def _failure(expectation: str, column: str, rows: pa.Table, mask: np.ndarray) -> Failure:
    worst = rows.filter(pa.array(mask)).slice(0, EXAMPLES).select(dict.fromkeys(["qid", "user_id", "item_id", column]))
    return Failure(expectation, column, int(mask.sum()), worst.to_pylist())


JUDGED = """
SELECT *, known_at - request_time AS known_after, sum(label) OVER () AS positives,
    count(*) OVER () - sum(label) OVER () AS negatives,
    max(request_time) OVER g - min(request_time) OVER g AS group_spread
FROM rows WINDOW g AS (PARTITION BY qid)
"""
