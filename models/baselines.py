"""What a ranker must beat: orders that a little SQL gives, from all that was known at a request, to the microsecond."""

import numpy as np
import pyarrow as pa

from catalog.sql import query
from streamrank.clock import DAY

RECENT_DAYS = 7
MOST_WATCHED = 3
PRIOR = 20  # impressions at the overall rate that an item's rate starts from


def baseline_scores(
    rows: pa.Table, outcomes: pa.Table, acts: pa.Table, items: pa.Table, users: pa.Table,
    lately: int = RECENT_DAYS * DAY,
) -> dict[str, np.ndarray]:  # fmt: skip
    """Scorer name -> float64 [rows], in the order of `rows`; what was not known at a request's time does not count.

    rows: user_id, item_id, request_time (microseconds). outcomes: item_id, known_at (microseconds), label.
    acts: user_id, topics, known_at (microseconds). items: item_id, topics. users: user_id, topics (stated).
    lately: microseconds that recent popularity looks back.

    popularity: the item's positive outcomes so far. recent popularity: those of `lately`. topics of interest
    (Amp's heuristic): items of the user's stated topics first, where none are stated of the three acted on most, by
    popularity. Where outcomes hold negatives, item rate: the share of positives, smoothed to that of all items.
    """
    numbered = rows.select(["user_id", "item_id", "request_time"]).append_column("row", pa.array(np.arange(len(rows))))
    counts = query(COUNTS, outcomes=outcomes)
    found = query(POPULARITY.format(week=lately), rows=numbered, counts=counts)
    popularity, week_before, shown = (found[name].to_numpy() for name in ("positives", "week_before", "seen"))
    scores = {
        "popularity": popularity,
        "recent popularity": popularity - week_before,
        "topics of interest": _interests(numbered, acts, items, users) * (1 + popularity.max(initial=0)) + popularity,
    }
    if shown.sum() > popularity.sum():
        rate = popularity.sum() / shown.sum()
        scores["item rate"] = (popularity + PRIOR * rate) / (shown + PRIOR)
    return scores


def _interests(rows: pa.Table, acts: pa.Table, items: pa.Table, users: pa.Table) -> np.ndarray:
    """1 where the item has one of the user's topics, else 0, float64 [rows]."""
    sql = INTERESTS.format(most=MOST_WATCHED)
    found = query(sql, rows=rows, acts=acts, items=items, users=users)
    return found["wanted"].to_numpy().astype(np.float64)


# One row an item and instant, with what had come of it up to then.
COUNTS = """
SELECT item_id, known_at,
    (sum(sum(label)) OVER so_far)::DOUBLE AS positives, (sum(count(*)) OVER so_far)::DOUBLE AS seen
FROM outcomes WHERE label IS NOT NULL GROUP BY item_id, known_at
WINDOW so_far AS (PARTITION BY item_id ORDER BY known_at)
"""
POPULARITY = """
WITH asked AS (SELECT DISTINCT item_id, request_time, request_time - {week} AS week_ago FROM rows),
known AS (
    SELECT a.*, coalesce(c.positives, 0) AS positives, coalesce(c.seen, 0) AS seen
    FROM asked a ASOF LEFT JOIN counts c ON a.item_id = c.item_id AND a.request_time >= c.known_at),
both_times AS (
    SELECT k.*, coalesce(c.positives, 0) AS week_before
    FROM known k ASOF LEFT JOIN counts c ON k.item_id = c.item_id AND k.week_ago >= c.known_at)
SELECT positives, week_before, seen FROM rows JOIN both_times USING (item_id, request_time) ORDER BY row
"""
INTERESTS = """
WITH asked AS (SELECT DISTINCT user_id, request_time FROM rows),
acted_on AS (
    SELECT a.user_id, a.request_time, unnest(k.topics) AS topic
    FROM asked a JOIN acts k ON a.user_id = k.user_id AND k.known_at <= a.request_time),
counted AS (SELECT user_id, request_time, topic, count(*) AS times FROM acted_on GROUP BY ALL),
most AS (
    SELECT user_id, request_time, list(topic ORDER BY times DESC, topic)[1:{most}] AS topics
    FROM counted GROUP BY user_id, request_time),
chosen AS (
    SELECT a.user_id, a.request_time, CASE WHEN len(u.topics) > 0 THEN u.topics ELSE m.topics END AS topics
    FROM asked a LEFT JOIN users u USING (user_id) LEFT JOIN most m USING (user_id, request_time))
SELECT coalesce(list_has_any(i.topics, c.topics), FALSE)::TINYINT AS wanted
FROM rows r LEFT JOIN items i USING (item_id) JOIN chosen c USING (user_id, request_time) ORDER BY row
"""
