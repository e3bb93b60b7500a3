"""Served against recomputed, bit by bit: what agrees, what differs, what one side lacks, what cannot be told yet."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from validation.audit.recompute import Made
from validation.audit.served import EVENT, KEY, instants

EXAMPLES = 3
DIFFERS = "differs"
NOT_SERVED = "not served"
NOT_OFFLINE = "not found offline"
LOST = "lost: an event that must have been applied is not in it"
OVERDUE = "not found offline, where it should have arrived by now"


@dataclass
class Counts:
    """One feature's values. compared = equal + mismatched + missing; those in flight are counted apart.

    kind: of what it is made, "rows", "windows", "acts" or "derived"; "unknown" where the service has no such feature.
    nonzero: compared values that were served and are not 0. largest_difference: among those mismatched.
    reasons: why values are mismatched or missing. stale: of `asked` values, those that differ from what was known at
    the request's instant.
    """

    view: str
    kind: str
    compared: int = 0
    equal: int = 0
    nonzero: int = 0
    mismatched: int = 0
    missing: int = 0
    in_flight: int = 0
    largest_difference: float = 0.0
    reasons: dict[str, int] = field(default_factory=dict)
    examples: list[dict] = field(default_factory=list)
    asked: int = 0
    stale: int = 0


@dataclass(frozen=True)
class Verdict:
    """bool [n, names] each; at most one is set of a value, none where it is equal. lost and overdue are missing."""

    in_flight: np.ndarray
    mismatched: np.ndarray
    not_served: np.ndarray
    not_offline: np.ndarray
    lost: np.ndarray
    overdue: np.ndarray


def compare(served: np.ndarray, made: Made) -> Verdict:
    """served: float32 [n, names], NaN where missing."""
    judged = ~made.in_flight & ~made.overdue & ~made.lost
    no_served, no_made = np.isnan(served), np.isnan(made.values)
    return Verdict(
        in_flight=made.in_flight,
        mismatched=judged & differing(served, made.values) & ~no_served & ~no_made,
        not_served=judged & no_served & ~no_made,
        not_offline=judged & no_made & ~no_served,
        lost=made.lost & ~made.in_flight & ~made.overdue,
        overdue=made.overdue,
    )


def differing(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """bool: where two float32 arrays have other bits; all that is missing is the same."""
    bits = np.ascontiguousarray(one).view(np.uint32) != np.ascontiguousarray(other).view(np.uint32)
    return bits & ~(np.isnan(one) & np.isnan(other))


def matrix_of(rows: pa.Table, names: Sequence[str]) -> np.ndarray:
    """float32 [n, names] of columns of the served log, NaN where null."""
    columns = [np.asarray(rows[name].combine_chunks().fill_null(np.nan)) for name in names]
    return np.column_stack(columns) if columns else np.zeros((len(rows), 0), np.float32)


def count(
    counts: Sequence[Counts], names: Sequence[str], rows: pa.Table, served: np.ndarray, made: Made, verdict: Verdict
) -> None:
    """Adds a piece to the counts of its features, in the order of `names`."""
    with np.errstate(invalid="ignore"):
        apart = np.abs(served.astype(np.float64) - made.values)
    compared = len(rows) - verdict.in_flight.sum(axis=0)
    equal = (~np.logical_or.reduce([verdict.in_flight, *_reasons(verdict).values()])).sum(axis=0)
    filled = ~verdict.in_flight & ~np.isnan(served) & (served != 0)
    for at, (own, name) in enumerate(zip(counts, names, strict=True)):
        wrong = {reason: mask[:, at] for reason, mask in _reasons(verdict).items() if mask[:, at].any()}
        own.compared += int(compared[at])
        own.in_flight += int(verdict.in_flight[:, at].sum())
        own.nonzero += int(filled[:, at].sum())
        own.mismatched += int(verdict.mismatched[:, at].sum())
        own.missing += sum(int(mask.sum()) for reason, mask in wrong.items() if reason != DIFFERS)
        own.equal += int(equal[at])
        own.largest_difference = max(own.largest_difference, *apart[verdict.mismatched[:, at], at].tolist(), 0.0)
        for reason, mask in wrong.items():
            own.reasons[reason] = own.reasons.get(reason, 0) + int(mask.sum())
            _exemplify(own, name, reason, rows, np.flatnonzero(mask), served[:, at], made.values[:, at])


def _reasons(verdict: Verdict) -> dict[str, np.ndarray]:
    return {
        DIFFERS: verdict.mismatched, NOT_SERVED: verdict.not_served, NOT_OFFLINE: verdict.not_offline,
        LOST: verdict.lost, OVERDUE: verdict.overdue,
    }  # fmt: skip


def _exemplify(
    own: Counts, name: str, reason: str, rows: pa.Table, places: np.ndarray, served: np.ndarray, made: np.ndarray
) -> None:
    """Keeps the first values of each reason, with what leads to them."""
    room = EXAMPLES - sum(each["reason"] == reason for each in own.examples)
    for place in places[: max(room, 0)].tolist():
        keys = {key: rows[key][place].as_py() for key in rows.column_names if key.startswith(KEY)}
        own.examples.append(
            {
                "reason": reason,
                "feature": name,
                "served": _number(served[place]),
                "offline": _number(made[place]),
                "request_id": rows["request_id"][place].as_py(),
                "as_of": rows["as_of"][place].as_py().isoformat(),
                "user_id": rows["user_id"][place].as_py(),
                "item_id": rows["item_id"][place].as_py(),
                **{key.removeprefix(KEY): value for key, value in keys.items()},
                **_times(own, rows, place),
            }
        )


def _times(own: Counts, rows: pa.Table, place: int) -> dict:
    """How old what was read is."""
    column = own.view + EVENT
    if column not in rows.column_names:
        return {}
    return {"event_us": rows[column][place].as_py(), "as_of_us": int(instants(rows.slice(place, 1))[0])}


def _number(value: np.float32) -> float | None:
    return None if np.isnan(value) else float(value)
