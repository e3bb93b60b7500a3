"""Where the past that a model may learn from ends, and the part that it is tested on begins."""

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from catalog.dataset import Manifest
from catalog.sql import query
from streamrank.clock import microseconds

TEST_SHARE = 0.2


def split(rows: pa.Table, manifest: Manifest) -> tuple[pa.Table, pa.Table]:
    """(training part, test part) of labelled rows, both in the order of `rows`.

    By the manifest's `split_at`: shown before it, or from it on; a row shown before but known only afterwards is in
    neither. Without one: each user's last 20 % of rows, with rows of equal time on one side, the test's.
    """
    if manifest.split_at is not None:
        instant = microseconds(datetime.fromisoformat(manifest.split_at))
        learned = pc.less(pc.max_element_wise(rows["shown_at"], rows["known_at"]), instant)
        return rows.filter(learned), rows.filter(pc.greater_equal(rows["shown_at"], instant))
    late = query(LAST_SHARE.format(share=TEST_SHARE), rows=_numbered(rows))["late"]
    return rows.filter(pc.invert(late)), rows.filter(late)


def _numbered(rows: pa.Table) -> pa.Table:
    return rows.select(["user_id", "shown_at"]).append_column("place", pa.array(range(rows.num_rows)))


LAST_SHARE = """
WITH ordered AS (
    SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY shown_at) AS number,
        count(*) OVER (PARTITION BY user_id) AS total FROM rows),
begins AS (
    SELECT user_id, min(shown_at) FILTER (number > total - floor(total * {share})) AS instant
    FROM ordered GROUP BY user_id)
SELECT coalesce(shown_at >= instant, FALSE) AS late FROM rows JOIN begins USING (user_id) ORDER BY place
"""
