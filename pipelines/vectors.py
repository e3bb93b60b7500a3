"""Users' vectors and nightly candidates as batch features: the files behind `user_vectors` and `user_candidates`."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from catalog.dataset import DataSet
from catalog.schema import INSTANT
from catalog.sql import query
from models.interactions import Interactions
from models.retrieval.als import Als
from models.retrieval.sources import Fitted

KEPT = 8  # fits, the latest
TIMES = [pa.field("event_timestamp", INSTANT), pa.field("created", INSTANT)]
VECTORS = pa.schema([
    pa.field("user_id", pa.string()), *TIMES,
    pa.field("user_vector", pa.list_(pa.float32())), pa.field("vector_version", pa.string()),
])  # fmt: skip
CANDIDATES = pa.schema([
    pa.field("user_id", pa.string()), *TIMES, pa.field("candidate_items", pa.list_(pa.string())),
    pa.field("candidate_scores", pa.list_(pa.float32())), pa.field("candidates_at", pa.int64()),
])  # fmt: skip


def make_files(data: DataSet) -> None:
    """Files without rows where there are none yet, so that the views can be applied."""
    data.features.mkdir(parents=True, exist_ok=True)
    for name, schema in (("user_vectors", VECTORS), ("user_candidates", CANDIDATES)):
        if not _path(data, name).exists():
            _write(_path(data, name), schema.empty_table())


def vector_rows(fitted: Fitted, acts: Interactions, known_us: int) -> pa.Table:
    """A row for each user with an act (VECTORS); none without ALS among the sources.

    acts: what the sources were fitted to. known_us: when all of these were known, from when on the rows hold.
    """
    als = next((source for source in fitted.sources if isinstance(source, Als)), None)
    if als is None:
        return VECTORS.empty_table()
    vectors, people = als.vectors(acts).astype(np.float32), np.unique(acts.users)
    flat = pa.array(vectors[people].ravel(), pa.float32())
    lists = pa.ListArray.from_arrays(np.arange(len(people) + 1) * vectors.shape[1], flat)
    times = pa.array(np.full(len(people), known_us), pa.int64()).cast(INSTANT)
    columns = [pa.array(acts.user_ids[people], pa.string()), times, times, lists, pa.array([als.version] * len(people))]
    return pa.table(columns, schema=VECTORS)


def add_vectors(data: DataSet, rows: pa.Table) -> None:
    """Puts the rows of new fits beside those that are there; of the fits only the latest KEPT stay."""
    make_files(data)
    held = pq.read_table(_path(data, "user_vectors"))
    both = query(LATEST.format(kept=KEPT), held=held, rows=rows)
    _write(_path(data, "user_vectors"), both.cast(VECTORS))


def write_candidates(data: DataSet, rows: pa.Table) -> None:
    """Replaces what the last nightly run found. rows: CANDIDATES."""
    _write(_path(data, "user_candidates"), rows.cast(CANDIDATES).sort_by("user_id"))


def _path(data: DataSet, name: str) -> Path:
    return data.features / f"{name}.parquet"


def _write(path: Path, rows: pa.Table) -> None:
    partial = path.with_suffix(".parquet.partial")
    pq.write_table(rows, partial, compression="zstd")
    os.replace(partial, path)


# A fit made again, or one of the same instant, takes the place of the one before.
LATEST = """
WITH every AS (
    SELECT *, 1 AS age FROM held UNION ALL BY NAME SELECT *, 0 AS age FROM rows),
fits AS (
    SELECT DISTINCT ON (event_timestamp) event_timestamp, vector_version FROM every
    ORDER BY event_timestamp, age, vector_version),
latest AS (SELECT * FROM fits ORDER BY event_timestamp DESC LIMIT {kept})
SELECT DISTINCT ON (e.user_id, e.event_timestamp) e.* EXCLUDE (age)
FROM every e JOIN latest USING (event_timestamp, vector_version)
ORDER BY e.user_id, e.event_timestamp, e.age
"""
