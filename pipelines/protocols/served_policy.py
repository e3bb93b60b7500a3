"""What the ranker's own order would have earned, from lists that were served with some slots drawn.

Each shown item came into its slot with a logged propensity. The ranker's own order would have shown there the item that
it had put there, and no other; so the rows where that was shown speak for it, the more the rarer it was.
"""

from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from catalog.dataset import DataSet
from catalog.sql import file_list, query
from models import bootstrap, off_policy
from pipelines import inputs
from streamrank.clock import HOUR

CLIP = 20.0
FEWEST = 100  # rows that were drawn, below which an estimate would say nothing


def served_policy(data: DataSet) -> dict[str, Any] | str:
    """Estimates of the reward a shown item earns, and of what is known; or why there are none, in words.

    The reward is 1 where the user clicked or viewed the item within an hour of the answer.
    """
    files = sorted(map(str, data.served.glob("**/*.parquet")))
    if not files:
        return "no list was served yet"
    if not {"propensity", "stood", "slot"} <= set(_columns(files)):
        return "the served log holds no propensities"
    rows = query(SERVED.format(files=file_list(files), events=inputs.events(data), hour=HOUR))
    propensity = rows["propensity"].to_numpy()
    if np.count_nonzero(propensity < 1) < FEWEST:
        return f"fewer than {FEWEST} shown items were drawn"
    return _estimated(rows, propensity)


def _estimated(rows: pa.Table, propensity: np.ndarray) -> dict[str, Any]:
    rewards = rows["reward"].to_numpy().astype(np.float64)
    target = (rows["stood"].to_numpy() == rows["slot"].to_numpy()).astype(np.float64)
    users = np.unique(rows["user_id"].to_numpy(), return_inverse=True)[1]
    logged = off_policy.Logged(rewards, propensity, target, units=users)
    return {
        "served": asdict(bootstrap.mean(rewards, users)),
        "the ranker's own order": {name: asdict(found) for name, found in off_policy.estimates(logged, CLIP).items()},
        "support": asdict(off_policy.support(logged, CLIP)),
    }


def _columns(files: list[str]) -> list[str]:
    return query(f"FROM read_parquet({file_list(files)}, union_by_name = true) LIMIT 0").column_names


SERVED = """
WITH shown AS (
    SELECT user_id, item_id, epoch_us(as_of) AS as_of, slot, stood, propensity
    FROM read_parquet({files}, union_by_name = true)
    WHERE returned AND propensity > 0 AND propensity <= 1 AND stood IS NOT NULL),
acted AS (
    SELECT user_id, item_id, epoch_us(event_time) AS acted_at FROM {events}
    WHERE event_type IN ('click', 'view') AND user_id IS NOT NULL AND item_id IS NOT NULL)
SELECT s.user_id, s.slot, s.stood, s.propensity,
    coalesce(a.acted_at < s.as_of + {hour}, FALSE)::TINYINT AS reward
FROM shown s ASOF LEFT JOIN (SELECT user_id, item_id, -acted_at AS back, acted_at FROM acted) a
    ON s.user_id = a.user_id AND s.item_id = a.item_id AND -s.as_of >= a.back
ORDER BY s.user_id, s.as_of, s.slot
"""
