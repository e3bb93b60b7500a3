"""An audit: the served log piece by piece, each value recomputed and compared, in memory that does not grow."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from feast import FeatureService, FeatureStore

from streamrank import clock
from validation.audit.compare import Counts, compare, count, matrix_of
from validation.audit.floors import floors
from validation.audit.freshness import count_stale
from validation.audit.log import LogSnapshot
from validation.audit.question import ACTS, Question, question_of
from validation.audit.recompute import Made, Patience, Recompute, numbers_of
from validation.audit.report import Report
from validation.audit.served import DIGEST, Chosen, Piece, instants, pieces

UNKNOWN = "unknown"
MEMORY, THREADS = "2GB", 2


def audit(
    store: FeatureStore, service: FeatureService, served: Path, events: Path, chosen: Chosen = Chosen(),
    patience: Patience = Patience(), report: Callable[[int, int], None] = lambda done, total: None,
) -> Report:  # fmt: skip
    """Recomputes what was served of `service` and is in the folder `served`, from the event log in folder `events`.

    report(done, total): hears how many files are done. Raises ValueError where the served log lacks a column that the
    registry's declarations need.
    """
    began = time.perf_counter()
    found = list(pieces(served, chosen.since_us))
    run = _Run(store, service, question_of(store, service), patience, chosen, len(found))
    # The log is looked at after the served log, so that what was served is in it or on its way.
    log = LogSnapshot.of(events)
    floor = floors(found, chosen, patience.settle_us, patience.grace_us)
    recompute = Recompute(run.question, log, floor, store.repo_path, patience, clock.now_us())
    for place, piece in enumerate(found):
        report(place, len(found))
        run.add(piece, recompute)
    report(len(found), len(found))
    return run.report(time.perf_counter() - began)


class _Run:
    """What has been counted so far."""

    def __init__(
        self,
        store: FeatureStore,
        service: FeatureService,
        question: Question,
        patience: Patience,
        chosen: Chosen,
        pieces: int,
    ) -> None:
        self.question = question
        self._store, self._service, self._patience, self._chosen = store, service, patience, chosen
        self._counts: dict[str, Counts] = {}
        self._rows = self._fallbacks = self._requests = 0
        self._fresh = patience.fresh_rows // max(pieces, 1)
        self._ends: list[int] = []
        self._now_us = clock.now_us()

    def add(self, piece: Piece, recompute: Recompute) -> None:
        rows = piece.read(self._chosen)
        self._fallbacks += piece.fallbacks(self._chosen)
        if not len(rows):
            return
        self._note(rows)
        known = [name for name in piece.features if name in self.question.features]
        with duckdb.connect(config={"threads": THREADS, "memory_limit": MEMORY}) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            self._judge(rows, known, recompute(connection, rows, known))
            self._judge_acts(rows, piece.digested(), connection, recompute)
        unknown = [name for name in piece.features if name not in self.question.features]
        self._judge(rows, unknown, _nothing(len(rows), len(unknown)))
        self._ask_fresh(rows, known)

    def _judge(self, rows: pa.Table, names: list[str], made: Made) -> None:
        served = matrix_of(rows, names)
        count([self._of(name) for name in names], names, rows, served, made, compare(served, made))

    def _judge_acts(
        self, rows: pa.Table, labels: list[str], connection: duckdb.DuckDBPyConnection, recompute: Recompute
    ) -> None:
        """Of each view of latest acts one number a row, made of all its lists."""
        labels = [label for label in labels if label in self.question.acts]
        if not labels:
            return
        digests = [np.asarray(rows[label + DIGEST].combine_chunks().fill_null(0), np.int64) for label in labels]
        served, made = np.column_stack(list(map(numbers_of, digests))), recompute.acts(connection, rows, labels)
        counts = [self._counts.setdefault(label, Counts(label, ACTS)) for label in labels]
        count(counts, labels, rows, served, made, compare(served, made))

    def _ask_fresh(self, rows: pa.Table, names: list[str]) -> None:
        """Of rows from all over the piece, as many as it has to give."""
        chosen = np.unique(np.linspace(0, len(rows) - 1, min(self._fresh, len(rows))).astype(np.int64))
        part = rows.take(pa.array(chosen))
        if len(part) and names:
            counts = [self._of(name) for name in names]
            count_stale(self._store, self._service, self.question, counts, names, part)

    def _of(self, name: str) -> Counts:
        if name not in self._counts:
            asked = self.question.features.get(name)
            self._counts[name] = Counts(asked.label, asked.kind) if asked else Counts(UNKNOWN, UNKNOWN)
        return self._counts[name]

    def _note(self, rows: pa.Table) -> None:
        at_us = instants(rows)
        self._rows += len(rows)
        self._requests += len(pc.unique(rows["request_id"]))  # a request's rows are in one file
        self._ends = [min([*self._ends, int(at_us.min())]), max([*self._ends, int(at_us.max())])]

    def report(self, seconds: float) -> Report:
        first, last = [_iso(end) for end in self._ends] or [None, None]
        return Report(
            dataset=self._store.project, service=self._service.name, audited_at=_iso(self._now_us),
            sample=self._chosen.sample, rows=self._rows, requests=self._requests, fallbacks=self._fallbacks,
            first=first, last=last, seconds=round(seconds, 3), features=_ordered(self._counts, self.question),
        )  # fmt: skip


def _ordered(counts: Mapping[str, Counts], question: Question) -> dict[str, Counts]:
    """In the service's order, those it does not have at the end."""
    known = [name for name in question.features if name in counts]
    return {name: counts[name] for name in [*known, *(name for name in counts if name not in question.features)]}


def _nothing(rows: int, names: int) -> Made:
    """Of features that the service no longer has, nothing can be recomputed."""
    no = np.zeros((rows, names), np.bool_)
    return Made(np.full((rows, names), np.nan, np.float32), no, no, no)


def _iso(instant_us: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant_us)).isoformat()
