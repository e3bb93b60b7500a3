"""Visits of users to items, as the log tells them: a click, the view and the like that follow it are one."""

import pyarrow as pa

from catalog.dataset import DataSet
from catalog.sql import query
from pipelines import inputs
from pipelines.interactions import acts_sql
from streamrank.clock import DAY, HOUR, SECOND


def gap(data: DataSet) -> int:
    """us between two acts on an item from which on they are two visits; a step where times are only an order."""
    return SECOND if data.manifest().times == "order" else HOUR


def visits_of(data: DataSet, least: float) -> pa.Table:
    """Every visit with an act that weighs at least `least`: user_id, item_id, surface (null), shown_at (us, when it
    began), known_at (us, when the first such act had arrived), label (1).

    Who watches after a click wanted it before the click: asked any later, their last act tells what they are about to
    watch. A visit began with the last `viewer_enter` of the user on the item since the visit before, where that is
    within a day.
    """
    return query(VISITS.format(acts=acts_sql(data), gap=gap(data), least=least, events=inputs.events(data), within=DAY))


VISITS = """
WITH acts AS (
    SELECT user_id, recent_items AS item_id, recent_weights AS weight, epoch_us(event_time) AS acted_at,
        greatest(log_position, epoch_us(event_time)) AS known_at FROM ({acts})),
parted AS (
    SELECT *, coalesce(acted_at - lag(acted_at) OVER by_time < {gap}, FALSE) AS goes_on FROM acts
    WINDOW by_time AS (PARTITION BY user_id, item_id ORDER BY acted_at)),
numbered AS (
    SELECT *, count(*) FILTER (NOT goes_on) OVER (PARTITION BY user_id, item_id ORDER BY acted_at) AS visit
    FROM parted),
visits AS (
    SELECT user_id, item_id, visit, min(acted_at) AS begins, max(acted_at) AS ends,
        min(known_at) FILTER (weight >= {least}) AS known_at
    FROM numbered GROUP BY user_id, item_id, visit),
followed AS (
    SELECT *, lag(ends) OVER (PARTITION BY user_id, item_id ORDER BY visit) AS before FROM visits),
entered AS (
    SELECT user_id, item_id, epoch_us(event_time) AS entered_at FROM {events}
    WHERE event_type = 'viewer_enter' AND user_id IS NOT NULL AND item_id IS NOT NULL)
SELECT v.user_id, v.item_id, NULL::VARCHAR AS surface,
    CASE WHEN e.entered_at > greatest(v.begins - {within}, coalesce(v.before, e.entered_at - 1))
        THEN e.entered_at ELSE v.begins END AS shown_at, v.known_at, 1 AS label
FROM followed v ASOF LEFT JOIN entered e
    ON v.user_id = e.user_id AND v.item_id = e.item_id AND v.begins >= e.entered_at
WHERE v.known_at IS NOT NULL
"""
