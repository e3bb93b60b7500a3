"""How old served values were: which differ from what was known at the request's instant, by a training set's rules.

A difference here is no fault of either side: an event was on its way to the tiles, or a row not materialized yet.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from feast import FeatureService, FeatureStore

from streamrank.derived import request_fields
from validation.audit.compare import Counts, differing, matrix_of
from validation.audit.question import Question
from validation.audit.recompute import REQUEST_TIME, single
from validation.audit.served import instants

TIME = "event_timestamp"


def count_stale(
    store: FeatureStore, service: FeatureService, question: Question, counts: Sequence[Counts], names: Sequence[str],
    rows: pa.Table,
) -> None:  # fmt: skip
    """Adds to the counts how many of the rows' values differ from those of a training set at the same instants."""
    asked = entity_rows(question, rows)
    known = store.get_historical_features(asked, service).to_arrow()
    served = matrix_of(rows, names)
    now = np.column_stack([single(known[name]) for name in names]) if names else np.zeros((len(rows), 0), np.float32)
    for own, stale in zip(counts, differing(served, now.astype(np.float32)).sum(axis=0).tolist(), strict=True):
        own.asked += len(rows)
        own.stale += stale


def entity_rows(question: Question, rows: pa.Table) -> pa.Table:
    """What a training set is asked for in place of served rows: keys that are given, and what the request brought."""
    given = {key for view in question.stored.values() for key in view.keys.values()}
    fields = {name: kind for each in question.derived.values() for name, kind in request_fields(each.view).items()}
    columns = {name: rows[name] for name in rows.column_names if name in given or name in fields}
    if REQUEST_TIME in fields:
        columns[REQUEST_TIME] = pa.array(instants(rows))
    taken = {column for key, column in question.given_as.items() if key in given}
    columns |= {name: rows[name] for name in sorted(taken) if name in rows.column_names}
    return pa.table(columns | {TIME: rows["as_of"]})
