"""Training from the served log: the very vectors that were scored, or the same recomputed, with what came of each.

Both give the same model, bit by bit, as far as the log has reached what was read: that is what the audit holds of the
values, and it is what lets a ranker learn from the log without asking for features again. What sources of candidates
said is in no feature store, and is taken as logged either way.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from feast import FeatureService, FeatureStore

from catalog.dataset import DataSet
from catalog.sql import query
from models.rankers.examples import Examples
from pipelines.feature_store import feature_service, open_store
from pipelines.inputs import StepMissing
from pipelines.labels import LABELLED, labelled
from streamrank import clock
from validation.audit.compare import matrix_of
from validation.audit.floors import floors
from validation.audit.log import LogSnapshot
from validation.audit.question import Question, question_of
from validation.audit.recompute import Patience, Recompute
from validation.audit.served import Chosen, Piece, pieces

SERVICE = "ranker"
KEYS = ("request_id", "as_of", "user_id", "item_id", "slot")
WITHIN = clock.DAY  # in which an impression that names no request belongs to what was served last


@dataclass(frozen=True)
class Vectors:
    """rows: KEYS of each served row that was scored. matrix: float32 [rows, features], NaN where missing."""

    rows: pa.Table
    matrix: np.ndarray
    features: list[str]


def served_examples(
    data: DataSet, features: Sequence[str], recomputed: bool = False, chosen: Chosen = Chosen()
) -> Examples:
    """What was served and shown, as a ranker learns from it: a request is a group. StepMissing where there is nothing.

    features: of the model, in its order. recomputed: whether stored and derived features are made again from the event
    log at the positions that were recorded, as the audit does.
    """
    store = open_store()
    service = feature_service(store, SERVICE)
    found = vectors(store, service, data.served, data.events, features, recomputed, chosen)
    made = labelled_examples(found, labelled(data))
    if not len(made):
        raise StepMissing(
            f"data set {data.name!r}: expected served rows with impressions, found {found.rows.num_rows:,} rows and "
            f"none that was shown; run `streamrank serve`, and publish impressions that name its requests"
        )
    return made


def vectors(
    store: FeatureStore, service: FeatureService, served: Path, events: Path, features: Sequence[str],
    recomputed: bool, chosen: Chosen = Chosen(),
) -> Vectors:  # fmt: skip
    """The scored rows of the served log, by time, request and item. ValueError where the log lacks a feature."""
    found = list(pieces(served, chosen.since_us))
    question, patience = question_of(store, service), Patience()
    floor = floors(found, chosen, patience.settle_us, patience.grace_us)
    recompute = Recompute(question, LogSnapshot.of(events), floor, store.repo_path, patience, clock.now_us())
    parts = [_part(piece, list(features), chosen, recompute if recomputed else None) for piece in found]
    rows = pa.concat_tables([rows for rows, _ in parts]) if parts else pa.table({name: [] for name in KEYS})
    matrix = np.concatenate([*(values for _, values in parts), np.zeros((0, len(features)), np.float32)])
    order = np.lexsort([rows[name].to_numpy(zero_copy_only=False) for name in ("item_id", "request_id", "as_of")])
    return Vectors(rows.take(pa.array(order)), matrix[order], list(features))


def labelled_examples(found: Vectors, outcomes: pa.Table) -> Examples:
    """The rows of which an impression came, with its label, weight and slot.

    outcomes: `labels.LABELLED`. An impression belongs to the served row of its request, and where it names none to the
    latest row of its user and item within a day before it; of several the latest counts.
    """
    numbered = found.rows.append_column("row", pa.array(np.arange(found.rows.num_rows)))
    told = query(TOLD.format(within=WITHIN), served=numbered, outcomes=outcomes.select(LABELLED.names))
    rows = found.rows.take(told["row"])
    asked = rows["as_of"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
    return Examples(
        found.matrix[told["row"].to_numpy()], told["label"].to_numpy(), _numbers(rows["request_id"]), asked,
        weights=told["weight"].to_numpy(), positions=told["slot"].cast(pa.float32()).to_numpy(),
        features=found.features, users=rows["user_id"].combine_chunks().dictionary_encode().indices.to_numpy(),
    )  # fmt: skip


def _part(
    piece: Piece, features: list[str], chosen: Chosen, recompute: Recompute | None
) -> tuple[pa.Table, np.ndarray]:
    if lacking := [name for name in features if name not in piece.columns]:
        raise ValueError(f"served log: expected the features {lacking}, which no model of that time took; give --since")
    rows = piece.read(chosen)
    values = matrix_of(rows, features)
    for place, made in _again(rows, features, recompute):
        values[:, place] = made
    kept = rows.select([name for name in KEYS if name in rows.column_names])
    return kept if "slot" in kept.column_names else kept.append_column("slot", pa.nulls(len(rows), pa.int32())), values


def _again(rows: pa.Table, features: list[str], recompute: Recompute | None) -> Iterator[tuple[int, np.ndarray]]:
    """(place, values) of each feature that is recomputed."""
    if recompute is None or not len(rows):
        return
    names = _stored(features, recompute.question)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        made = recompute(connection, rows, names)
    for column, name in enumerate(names):
        yield features.index(name), made.values[:, column]


def _stored(features: list[str], question: Question) -> list[str]:
    return [name for name in features if name in question.features]


def _numbers(ids: pa.ChunkedArray) -> np.ndarray:
    """Ascending codes in the order in which the ids first come."""
    return ids.combine_chunks().dictionary_encode().indices.to_numpy()


TOLD = """
WITH known AS (SELECT * FROM outcomes WHERE label IS NOT NULL),
asked AS (SELECT *, epoch_us(as_of) AS asked_at FROM served),
told AS (
    SELECT s.row, k.label, k.weight, coalesce(k.slot, s.slot) AS slot, k.shown_at
    FROM known k JOIN asked s ON k.request_id = s.request_id AND k.item_id = s.item_id
    UNION ALL
    SELECT s.row, k.label, k.weight, coalesce(k.slot, s.slot), k.shown_at
    FROM known k ASOF JOIN asked s ON k.user_id = s.user_id AND k.item_id = s.item_id AND k.shown_at >= s.asked_at
    WHERE k.request_id IS NULL AND k.shown_at - s.asked_at <= {within})
SELECT * FROM told QUALIFY row_number() OVER (PARTITION BY row ORDER BY shown_at DESC, label DESC) = 1 ORDER BY row
"""
