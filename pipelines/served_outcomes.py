"""What was served with a propensity, and what came of it: the log that off-policy estimates are made from.

A reward is a positive label of the data set's own rule (`pipelines/labels.py`). It belongs to the served row that its
impression names by request, and where it names none to the latest time the user was served the item, within a day.
What was served and never seen, or seen and not wanted, has none.
"""

from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.dataset import DataSet
from catalog.sql import file_list, query
from models.rerank.exploration import LEARN
from models.rerank.leaving import LEFT
from pipelines.inputs import StepMissing
from pipelines.labels import labelled
from streamrank import clock

SETTLED = timedelta(hours=1)  # an outcome may come that long after the answer; younger rows are left out
WITHIN = clock.DAY

ROWS = """
WITH served AS (
    SELECT * REPLACE (epoch_us(as_of) AS as_of) FROM {served}
    WHERE fallback IS NULL AND epoch_us(as_of) <= {until}
    WINDOW request AS (PARTITION BY request_id) QUALIFY min(propensity) OVER request < 1 AND {chosen}),
wanted AS (
    SELECT user_id, item_id, request_id, shown_at FROM labelled WHERE label = 1),
rewarded AS (
    SELECT s.request_id, s.item_id FROM served s JOIN wanted w ON w.request_id = s.request_id AND w.item_id = s.item_id
    UNION SELECT s.request_id, s.item_id FROM wanted w ASOF JOIN (FROM served WHERE returned) s
        ON w.user_id = s.user_id AND w.item_id = s.item_id AND w.shown_at >= s.as_of
    WHERE w.request_id IS NULL AND w.shown_at - s.as_of <= {within})
SELECT s.*, coalesce(s.returned AND r.item_id IS NOT NULL, FALSE)::DOUBLE AS reward,
    contains(array_to_string(coalesce(s.changes, []), ';'), '{learn}') AS explored
FROM served s LEFT JOIN rewarded r ON r.request_id = s.request_id AND r.item_id = s.item_id
WHERE NOT contains(array_to_string(coalesce(s.changes, []), ';'), '{left}')
ORDER BY s.as_of, s.request_id, s.slot NULLS LAST, s.item_id
"""
RETURNED, WHOLE = "returned AND propensity IS NOT NULL", "NOT bool_and(returned) OVER request"


def shown_rows(data: DataSet) -> pa.Table:
    """What was returned of requests for which anything was drawn, by time, request and slot: the served log's columns
    without features, as_of as int64 us, reward (0 or 1) and explored (bool, whether the slot was filled to learn).

    Raises StepMissing when there are no such rows.
    """
    names = "request_id, as_of, user_id, item_id, slot, returned, propensity, changes, fallback"
    return _found(data, _rows(data, f"(SELECT {names} FROM {_read(_files(data))})", RETURNED))


def whole_requests(data: DataSet) -> pa.Table:
    """As `shown_rows`, with features, all that the ranker ordered of requests that were logged whole; maybe no rows."""
    return _rows(data, _read(_files(data)), WHOLE)


def _rows(data: DataSet, served: str, chosen: str) -> pa.Table:
    until = clock.now_us() - int(SETTLED.total_seconds() * clock.SECOND)
    sql = ROWS.format(served=served, until=until, chosen=chosen, within=WITHIN, learn=LEARN, left=LEFT)
    return query(sql, labelled=labelled(data))


def _files(data: DataSet) -> list[str]:
    """The files of the served log that hold propensities; StepMissing when there are none."""
    files = sorted(file for file in data.served.glob("served_on=*/*.parquet") if not file.name.startswith("."))
    drawn = [str(file) for file in files if "propensity" in pq.read_schema(file).names]
    if not drawn:
        raise StepMissing(
            f"data set {data.name!r}: expected served rows with propensities in {data.served}, found {len(files)} "
            "files without; promote a model that explores, run `streamrank serve`, and ask it"
        )
    return drawn


def _found(data: DataSet, rows: pa.Table) -> pa.Table:
    if not rows.num_rows:
        raise StepMissing(
            f"data set {data.name!r}: expected served rows older than {SETTLED} with propensities in {data.served}, "
            "found none; ask `streamrank serve`, and wait until outcomes can be known"
        )
    return rows


def _read(files: list[str]) -> str:
    return f"read_parquet({file_list(files)}, union_by_name = true, hive_partitioning = false)"
