"""When users were shown what they then acted on: a question that was asked any later would find it in its features."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from catalog.dataset import DataSet
from catalog.sql import query
from models.interactions import Interactions
from pipelines import inputs
from streamrank.clock import DAY

SIGNS = ("impression", "viewer_enter")  # an item was shown to a user; a user began to watch it
WITHIN = DAY  # of the act; what was shown longer ago did not lead to it


def as_asked(data: DataSet, acts: Interactions) -> Interactions:
    """The acts with `asked`: the first of the last signs of each kind before an act, else the time of the act.

    An act is known at its end, and what led to it was on the screen long before: its impression is the last thing that
    windows of the user, or of the user and the creator, have counted, and of no other item.
    """
    signs = query(SIGNED.format(events=inputs.events(data), signs=SIGNS))
    if not signs.num_rows:
        return acts
    told = pa.table({
        "user_id": pa.array(acts.user_ids, pa.string()).take(pa.array(acts.users)),
        "item_id": pa.array(acts.item_ids, pa.string()).take(pa.array(acts.items)),
        "time": acts.times, "place": np.arange(len(acts)),
    })  # fmt: skip
    found = query(ASKED.format(within=WITHIN), acts=told, signs=signs)
    return replace(acts, asked=np.minimum(found["asked"].to_numpy(), acts.times))


SIGNED = """
SELECT user_id, item_id, event_type, greatest(log_position, epoch_us(event_time)) AS known_at FROM {events}
WHERE event_type IN {signs} AND user_id IS NOT NULL AND item_id IS NOT NULL
"""
ASKED = """
WITH led AS (
    SELECT a.place, a.time, max(s.known_at) AS known_at FROM acts a
    JOIN signs s ON s.user_id = a.user_id AND s.item_id = a.item_id
        AND s.known_at <= a.time AND s.known_at >= a.time - {within}
    GROUP BY a.place, a.time, s.event_type)
SELECT a.place, coalesce(min(led.known_at), any_value(a.time)) AS asked
FROM acts a LEFT JOIN led USING (place) GROUP BY a.place ORDER BY a.place
"""
