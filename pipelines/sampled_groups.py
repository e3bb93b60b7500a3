"""Groups for a log that does not say what was shown: a wanted item beside items that the user had not touched.

A user who rates a hundred films on the first day would outweigh a hundred who come back for one, and it is those that
rankings are asked for. So positives are taken evenly over the users' days: one of each day, then a second of each.
"""

import numpy as np
import pyarrow as pa

from catalog.sql import query
from pipelines.groups import GROUPED

NEGATIVES = 20
MAX_ROWS = 100_000
PER_DAY = 3
POPULAR_SHARE = 0.5
SEED = 7


def sampled_groups(rows: pa.Table, catalogue: pa.Table) -> pa.Table:
    """GROUPED rows of at most MAX_ROWS: each positive of `rows` that is taken, and NEGATIVES sampled items.

    rows: `labels.LABELLED` of the training part alone, so that nothing later shapes the negatives. catalogue: item_id,
    available_from, available_until. A group is asked one microsecond before the user's act; its items were on the air
    then, and its negatives are none that the user acted on in `rows`. POPULAR_SHARE of them are drawn by how often
    an item was acted on, the rest evenly.
    """
    positives = query(POSITIVES.format(per_day=PER_DAY, groups=MAX_ROWS // (NEGATIVES + 1), seed=SEED), rows=rows)
    draws = _drawn(positives, rows, catalogue)
    sql = NEGATIVE_ROWS.format(negatives=NEGATIVES)
    return query(sql, rows=rows, positives=positives, draws=draws, catalogue=catalogue).cast(GROUPED)


def _drawn(positives: pa.Table, rows: pa.Table, catalogue: pa.Table) -> pa.Table:
    """Three times as many draws as are needed, since some are refused: qid, place, item_id."""
    counts = query(
        """SELECT item_id, count(r.user_id) AS acts FROM catalogue LEFT JOIN rows r USING (item_id)
           GROUP BY item_id ORDER BY item_id""",
        rows=rows, catalogue=catalogue,
    )  # fmt: skip
    acts = counts["acts"].to_numpy().astype(np.float64) ** 0.75
    chance = (1 - POPULAR_SHARE) / len(acts) + POPULAR_SHARE * acts / max(acts.sum(), 1)
    shape = (positives.num_rows, 3 * NEGATIVES)
    places = np.random.default_rng(SEED).choice(len(acts), shape, p=chance / chance.sum())
    return pa.table({
        "qid": np.repeat(positives["qid"].to_numpy(), shape[1]),
        "place": np.tile(np.arange(shape[1]), shape[0]),
        "item_id": counts["item_id"].take(pa.array(places.ravel())),
    })  # fmt: skip


# hash() gives the same order in every run; a random one would need a seed per connection.
POSITIVES = """
SELECT row_number() OVER (ORDER BY shown_at, user_id, item_id) AS qid, * FROM (
    SELECT * FROM (
        SELECT *, row_number() OVER (
            PARTITION BY user_id, shown_at // 86400000000 ORDER BY hash(user_id, item_id, {seed})) AS turn
        FROM rows WHERE label = 1)
    WHERE turn <= {per_day} ORDER BY turn, hash(user_id, item_id, {seed}) LIMIT {groups})
"""
NEGATIVE_ROWS = """
WITH allowed AS (
    SELECT p.qid, p.user_id, d.item_id, p.shown_at, p.surface, p.known_at, d.place
    FROM draws d JOIN positives p USING (qid) JOIN catalogue c ON c.item_id = d.item_id
    WHERE coalesce(epoch_us(c.available_from) < p.shown_at, TRUE)
        AND coalesce(epoch_us(c.available_until) >= p.shown_at, TRUE)
        AND NOT EXISTS (FROM rows r WHERE r.user_id = p.user_id AND r.item_id = d.item_id)),
distinct_items AS (SELECT * FROM allowed QUALIFY row_number() OVER (PARTITION BY qid, item_id ORDER BY place) = 1),
negatives AS (
    SELECT * FROM distinct_items QUALIFY row_number() OVER (PARTITION BY qid ORDER BY place) <= {negatives})
SELECT qid, 1 AS label, user_id, item_id, shown_at - 1 AS request_time, surface, known_at FROM positives
UNION ALL SELECT qid, 0, user_id, item_id, shown_at - 1, surface, known_at FROM negatives
ORDER BY qid, item_id
"""
