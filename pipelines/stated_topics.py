"""The topics that users stated: by the users file, known always, and by a user_update from its arrival on."""

import numpy as np

from catalog.dataset import DataSet
from catalog.sql import query
from catalog.updates import user_updates
from models.stated import Stated
from pipelines import inputs

ALWAYS = int(np.iinfo(np.int64).min)


def stated_topics(data: DataSet) -> Stated:
    """As the view `user_attributes` has them as of any instant; StepMissing without events."""
    told = query(f"SELECT * FROM ({user_updates(inputs.events(data))})")
    rows = query(TOLD.format(always=ALWAYS), users=inputs.users(data), told=told)
    columns = (rows[name].to_pylist() for name in ("user_id", "times", "topics"))
    return Stated(
        {user: (times, [tuple(each) for each in topics]) for user, times, topics in zip(*columns, strict=True)}
    )


TOLD = """
SELECT user_id, list(known_at ORDER BY known_at) AS times, list(topics ORDER BY known_at) AS topics FROM (
    SELECT user_id, {always} AS known_at, topics FROM users
    UNION ALL SELECT user_id, greatest(position, event_us), topics FROM told)
WHERE len(topics) > 0 GROUP BY user_id
"""
