"""Served rows, made again offline: every feature the ranker scored, from what was recorded of where it came from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from feast.types import FeastType, from_feast_to_pyarrow_type

from streamrank import clock
from streamrank.derived import Column, as_numbers, columnwise, transform
from validation.audit.floors import Floors
from validation.audit.log import LogSnapshot
from validation.audit.made_of_acts import from_acts
from validation.audit.made_of_rows import from_rows
from validation.audit.made_of_windows import from_windows
from validation.audit.question import DERIVED, Derived, Question, needed
from validation.audit.served import instants

REQUEST_TIME = "request_time"


@dataclass(frozen=True)
class Patience:
    """How long what was served may be ahead of what it is recomputed from, and other spans of time.

    log_us: after a request, until its events must be in the log. rows_us: until the rows that were read must be in
    their source; rows that live updates write are there after the next batch run. settle_us: how long a request takes
    at most. grace_us: after which an event must be seen by a reader. fresh_rows: how many rows are asked for freshness,
    0 for none.
    """

    log_us: int = 60 * clock.SECOND
    rows_us: int = 26 * clock.HOUR
    settle_us: int = 5 * clock.SECOND
    grace_us: int = 60 * clock.SECOND
    fresh_rows: int = 20_000


@dataclass(frozen=True)
class Made:
    """values: float32 [n, names], NaN where missing. The others are bool [n, names].

    in_flight: made of what the log or the source has not reached yet. overdue: of what it should have reached by now.
    lost: windowed values that lack events which must have been applied.
    """

    values: np.ndarray
    in_flight: np.ndarray
    overdue: np.ndarray
    lost: np.ndarray


@dataclass(frozen=True)
class Recompute:
    """now_us: the present, by which it is told what is overdue."""

    question: Question
    log: LogSnapshot
    floors: Floors
    repo_path: Path | str | None
    patience: Patience
    now_us: int

    def __call__(self, connection: duckdb.DuckDBPyConnection, rows: pa.Table, names: Sequence[str]) -> Made:
        """The features `names`, each of the question, for served rows [n]."""
        columns, flying, overdue, lost = self._stored(connection, rows, names)
        features = [self.question.features[name] for name in names]
        never = np.zeros(len(rows), np.bool_)
        for label in dict.fromkeys(each.label for each in features if each.kind == DERIVED):
            view = self.question.derived[label]
            columns |= {(label, name): values for name, values in _derive(view, columns, rows).items()}
            inputs = [part for part, _ in view.inputs.values()]
            overdue[label] = np.logical_or.reduce([never, *(overdue[part] for part in inputs)])
            flying[label] = np.logical_or.reduce([never, *(flying[part] for part in inputs)]) & ~overdue[label]
        return Made(
            _matrix([single(columns[each.label, each.name]) for each in features], len(rows), np.float32),
            _matrix([flying[each.label] for each in features], len(rows), np.bool_),
            _matrix([overdue[each.label] for each in features], len(rows), np.bool_),
            _matrix([lost.get((each.label, each.name), never) for each in features], len(rows), np.bool_),
        )

    def acts(self, connection: duckdb.DuckDBPyConnection, rows: pa.Table, labels: Sequence[str]) -> Made:
        """Of the views of latest acts `labels` the digests of the rows that were read, by `numbers_of`."""
        made = [from_acts(connection, self.question.acts[label], rows, self.question.given_as, self.log, self.floors)
                for label in labels]  # fmt: skip
        old = self.now_us - instants(rows) > self.patience.log_us
        return Made(
            _matrix([numbers_of(each.digests) for each in made], len(rows), np.float32),
            _matrix([each.beyond & ~old for each in made], len(rows), np.bool_),
            _matrix([each.beyond & old for each in made], len(rows), np.bool_),
            _matrix([each.lost for each in made], len(rows), np.bool_),
        )

    def _stored(self, connection: duckdb.DuckDBPyConnection, rows: pa.Table, names: Sequence[str]) -> tuple:
        """(label, feature) -> column; label -> bool [n] in flight, and overdue; (label, feature) -> bool [n] lost."""
        columns, flying, overdue, lost = {}, {}, {}, {}
        given_as, age_us = self.question.given_as, self.now_us - instants(rows)
        for label, wanted in needed(self.question, names).items():
            view = self.question.stored[label]
            if view.windowed:
                made = from_windows(connection, view, wanted, rows, given_as, self.log, self.floors)
                found, beyond, patience_us = made.columns, made.beyond, self.patience.log_us
                lost |= {(label, name): gone for name, gone in made.lost.items()}
            elif view.latest:
                acts = from_acts(connection, view, rows, given_as, self.log, self.floors)
                found, beyond, patience_us = acts.columns, acts.beyond, self.patience.log_us
                lost |= {(label, name): acts.lost for name in wanted}
            else:
                found, beyond = from_rows(connection, view, wanted, rows, given_as, self.repo_path)
                patience_us = self.patience.rows_us
            flying[label], overdue[label] = beyond & (age_us <= patience_us), beyond & (age_us > patience_us)
            columns |= {(label, name): column for name, column in found.items()}
        return columns, flying, overdue, lost


def numbers_of(digests: np.ndarray) -> np.ndarray:
    """float32 [n], equal for equal digests int64 [n] and for others by a chance of one in 2^31; NaN for 0, no row."""
    bits = (digests.astype(np.uint64) & np.uint64(0xBFFFFFFF)).astype(np.uint32)  # without a bit that all NaN have
    return np.where(digests == 0, np.float32(np.nan), bits.view(np.float32))


def single(values: Column) -> np.ndarray:
    """float32 [n] of numbers, NaN where missing, infinite where too large."""
    with np.errstate(over="ignore"):
        return as_numbers(values).astype(np.float32)


def _derive(view: Derived, columns: dict[tuple[str, str], pa.Array], rows: pa.Table) -> dict[str, Column]:
    """The features of a derived view by the function that served them, from recomputed inputs."""
    given = {name: _asked(view, name, kind, rows) for name, kind in view.request.items()}
    if not columnwise(view.view):
        given = {name: rows[name] for name in rows.column_names if name not in view.inputs} | given
    given |= {name: columns[source] for name, source in view.inputs.items()}
    return transform(view.view, given)


def _asked(view: Derived, name: str, kind: FeastType, rows: pa.Table) -> pa.Array:
    """What the request brought: its time, or the served log's column of that name."""
    declared = from_feast_to_pyarrow_type(kind)
    if name == REQUEST_TIME:
        return pa.array(instants(rows)).cast(declared)
    if name not in rows.column_names:
        raise ValueError(
            f"served log: on-demand view {view.label!r} takes {name!r} from the request, which is not among its "
            f"columns {rows.column_names}; log it with the request, or leave out "
            f"what an earlier version served, by --since"
        )
    return rows[name].combine_chunks().cast(declared)


def _matrix(columns: list[np.ndarray], rows: int, kind: type) -> np.ndarray:
    return np.column_stack(columns) if columns else np.zeros((rows, 0), kind)
