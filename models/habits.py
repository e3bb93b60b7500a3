"""What a ranker must beat where users return to items: what each of them watched most often, and last."""

import numpy as np
import pyarrow as pa

from catalog.sql import query

MOST_OFTEN, LAST = "most often", "last watched"


def habit_scores(rows: pa.Table, acts: pa.Table, recent: np.ndarray) -> dict[str, np.ndarray]:
    """MOST_OFTEN and LAST -> float64 [rows], in the order of `rows`; items that the user never watched come behind, by
    what is popular lately.

    rows: user_id, item_id, request_time (microseconds). acts: user_id, item_id, known_at (microseconds); those known by
    a request's time count. recent: float64 [rows], how popular each item is lately.
    """
    numbered = rows.select(["user_id", "item_id", "request_time"]).append_column("row", pa.array(np.arange(len(rows))))
    found = query(OWN, rows=numbered, acts=acts)
    times, last = found["times"].to_numpy(), found["last"].to_numpy()
    popular = recent / (1 + recent.max(initial=0))
    return {
        name: np.where(times > 0, 1.0 + _place(np.lexsort(keys)), popular)
        for name, keys in ((MOST_OFTEN, (last, times)), (LAST, (last,)))
    }


def _place(order: np.ndarray) -> np.ndarray:
    """Of each row its place in `order`."""
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return place


OWN = """
WITH own AS (
    SELECT user_id, item_id, known_at, sum(count(*)) OVER (PARTITION BY user_id, item_id ORDER BY known_at) AS times
    FROM acts GROUP BY user_id, item_id, known_at)
SELECT coalesce(o.times, 0)::BIGINT AS times, coalesce(o.known_at, 0) AS last
FROM rows r ASOF LEFT JOIN own o
    ON r.user_id = o.user_id AND r.item_id = o.item_id AND r.request_time >= o.known_at
ORDER BY r.row
"""
