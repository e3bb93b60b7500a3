"""What came of each thing shown, as a label: 1 wanted, 0 not wanted, null where the signs decide nothing.

A row is an impression; in a log without impressions, all that a user did with one item. An outcome belongs to the
impression it names, and one that names none to the user's latest impression of the item.
"""

import pyarrow as pa

from catalog.dataset import DataSet
from catalog.sql import query
from pipelines import inputs

WATCHED, SKIPPED, LIKED = 0.8, 0.2, 4
POSITIVE = {
    "click": "a click",
    "engagement": f"a like, a rating of {LIKED} or more on a scale of 1 to 5 (`--rating-scale` says another one), "
    f"{WATCHED:.0%} watched, or a click or view of which nothing more is known",
}
"""What is positive by each rule, in words."""

LABELLED = pa.schema([
    pa.field("user_id", pa.string()),
    pa.field("item_id", pa.string()),
    pa.field("request_id", pa.string()),
    pa.field("surface", pa.string()),
    pa.field("shown_at", pa.int64()),  # microseconds: when it was shown, else when the user first acted on it
    pa.field("known_at", pa.int64()),  # microseconds: when all that made the label had arrived
    pa.field("label", pa.int8()),
    pa.field("weight", pa.float32()),  # how much the label says, by the share that was watched
    pa.field("slot", pa.float32()),  # from 1, in which it was shown
])  # fmt: skip


def labelled(data: DataSet) -> pa.Table:
    """All that was shown to a user, or done by one where the log has no impressions: LABELLED, ordered by time.

    By the rule "click" the click decides. By "engagement", watched at least 80 %, liked or rated 4 or more is positive,
    and a positive sign wins; shown and neither clicked nor viewed, or watched under 20 %, is negative; what lies
    between is null. Where neither a share watched nor a rating is known, a click or a bare view is positive.
    A positive weighs from 1/2 for one left at once to 3/2 for one watched to its end; what else there is weighs 1.
    Raises StepMissing when the data set has no events.
    """
    rule = BY_CLICK if data.manifest().label_rule == "click" else BY_ENGAGEMENT
    rows = OF_IMPRESSIONS if has_impressions(data) else OF_PAIRS
    sql = rows.format(outcomes=OUTCOMES.format(events=inputs.events(data)), events=inputs.events(data), label=rule)
    sql = WEIGHTED.format(labelled=sql)
    return query(sql, items=inputs.items(data)).select(LABELLED.names).cast(LABELLED)


def has_impressions(data: DataSet) -> bool:
    """Whether the log says what was shown."""
    sql = f"SELECT count(*) AS shown FROM {inputs.events(data)} WHERE event_type = 'impression'"
    return query(sql)["shown"][0].as_py() > 0


# What users did with items, and the share they watched; an event without a duration takes its item's.
OUTCOMES = f"""
SELECT e.event_id, e.user_id, e.item_id, e.impression_id, e.surface, e.event_time, e.arrived_at,
    e.event_type = 'click' AS clicked, e.event_type = 'view' AS viewed,
    e.event_type = 'like' OR (e.event_type IN ('view', 'rating') AND coalesce(e.value >= {LIKED}, FALSE)) AS liked,
    e.event_type IN ('view', 'rating') AND e.value IS NOT NULL AS rated,
    CASE WHEN e.event_type = 'view' THEN e.watch_ms / nullif(coalesce(e.duration_ms, i.duration_ms), 0) END AS ratio
FROM {{events}} e LEFT JOIN items i USING (item_id)
WHERE e.user_id IS NOT NULL AND e.item_id IS NOT NULL
    AND e.event_type IN ('click', 'view', 'like', 'share', 'comment', 'follow', 'hide', 'rating')
"""
SIGNS = """
    coalesce(bool_or(clicked), FALSE) AS clicked, coalesce(bool_or(viewed), FALSE) AS viewed,
    coalesce(bool_or(liked), FALSE) AS liked, coalesce(bool_or(rated), FALSE) AS rated, max(ratio) AS ratio,
    max(o.arrived_at) AS arrived_at
"""
OF_IMPRESSIONS = f"""
WITH outcomes AS ({{outcomes}}),
impressions AS (
    SELECT event_id, user_id, item_id, request_id, surface, slot, event_time, arrived_at FROM {{events}}
    WHERE event_type = 'impression' AND user_id IS NOT NULL AND item_id IS NOT NULL),
answered AS (
    SELECT impression_id AS shown_id, * FROM outcomes WHERE impression_id IS NOT NULL
    UNION ALL SELECT i.event_id, o.* FROM outcomes o ASOF JOIN impressions i
        ON o.user_id = i.user_id AND o.item_id = i.item_id AND o.event_time >= i.event_time
    WHERE o.impression_id IS NULL),
signs AS (SELECT shown_id, {SIGNS} FROM answered o GROUP BY shown_id)
SELECT i.user_id, i.item_id, i.request_id, i.surface, epoch_us(i.event_time) AS shown_at,
    epoch_us(greatest(i.arrived_at, s.arrived_at)) AS known_at, {{label}} AS label, i.slot, ratio,
    i.event_time, i.event_id AS tie
FROM (SELECT *, TRUE AS shown FROM impressions) i LEFT JOIN signs s ON s.shown_id = i.event_id
"""
OF_PAIRS = f"""
WITH outcomes AS ({{outcomes}}),
signs AS (
    SELECT user_id, item_id, min(event_time) AS event_time, arg_min(surface, event_time) AS surface, FALSE AS shown,
    {SIGNS} FROM outcomes o GROUP BY user_id, item_id)
SELECT user_id, item_id, NULL AS request_id, surface, epoch_us(event_time) AS shown_at,
    epoch_us(arrived_at) AS known_at, {{label}} AS label, NULL AS slot, ratio, event_time, user_id AS tie
FROM signs
"""
WEIGHTED = """
SELECT *, CASE WHEN label = 1 AND ratio IS NOT NULL THEN 0.5 + least(ratio, 1) ELSE 1 END AS weight
FROM ({labelled}) ORDER BY event_time, tie, item_id
"""
BY_CLICK = "coalesce(clicked, FALSE)::TINYINT"
BY_ENGAGEMENT = f"""
CASE WHEN liked OR ratio >= {WATCHED} THEN 1
     WHEN ratio IS NULL AND NOT coalesce(rated, FALSE) AND (clicked OR viewed) THEN 1
     WHEN ratio < {SKIPPED} OR (shown AND NOT coalesce(clicked OR viewed, FALSE)) THEN 0 END::TINYINT
"""
