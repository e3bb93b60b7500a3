"""Which rows are ranked against each other, and the instant at which each group is asked.

A group is a request where the impressions name one, else a user's day; where times are only an order there are no days,
and it is as many steps of the user in turn as hold a list. All of its rows are asked one microsecond before its first
impression: asked impression by impression, the outcomes already seen would tell those still to come.
"""

import pyarrow as pa

from catalog.sql import query
from streamrank.clock import HOUR, SECOND

LIST = 10  # impressions

GROUPED = pa.schema([
    pa.field("qid", pa.int64()),
    pa.field("label", pa.int8()),
    pa.field("user_id", pa.string()),
    pa.field("item_id", pa.string()),
    pa.field("request_time", pa.int64()),  # microseconds: the features of the row are those of this instant
    pa.field("surface", pa.string()),
    pa.field("known_at", pa.int64()),
])  # fmt: skip
SHOWN = pa.schema([*GROUPED, pa.field("weight", pa.float32()), pa.field("slot", pa.float32())])


def grouped(rows: pa.Table, zone_hours: int | None, ordered: bool = False) -> pa.Table:
    """Labelled impressions (`labels.LABELLED`) as groups: SHOWN, ordered by qid; rows without a label are left out.

    zone_hours: the UTC offset by which a user's days are told apart; UTC where None. ordered: times are only an order,
    kept as a second a step; a step is in one group whole, and the first behind each LIST impressions begins another.
    qids rise with the time asked.
    """
    unit = LISTS if ordered else DAY.format(zone=(zone_hours or 0) * HOUR)
    return query(GROUPS.format(unit=unit), rows=rows).cast(SHOWN)


def with_both_outcomes(rows: pa.Table) -> pa.Table:
    """The groups that hold a positive and a negative: nothing can be learned or measured in the order of others."""
    kept = "SELECT * FROM rows QUALIFY min(label) OVER (PARTITION BY qid) < max(label) OVER (PARTITION BY qid)"
    return query(f"SELECT * FROM ({kept}) ORDER BY qid, item_id, hash(surface)", rows=rows).cast(rows.schema)


DAY = "(shown_at + {zone}) // 86400000000"
# Those of the user at earlier steps, in lists: equal within a step.
LISTS = f"(rank() OVER (PARTITION BY user_id, request_id ORDER BY shown_at // {SECOND}) - 1) // {LIST}"
GROUPS = """
WITH parted AS (SELECT *, CASE WHEN request_id IS NULL THEN {unit} END AS unit FROM rows WHERE label IS NOT NULL),
asked AS (SELECT *, min(shown_at) OVER (PARTITION BY user_id, request_id, unit) - 1 AS request_time FROM parted)
SELECT dense_rank() OVER (ORDER BY request_time, user_id, request_id) AS qid,
    label, user_id, item_id, request_time, surface, known_at, weight, slot
FROM asked ORDER BY qid, item_id, shown_at, surface
"""
