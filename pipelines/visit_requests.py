"""Requests of the test part where items return or are on air only while somebody acts on them: one for each act.

What can be ranked is what was on air at that moment, with what was wanted; repeats count where seen items return.
"""

import numpy as np
import pyarrow as pa

from catalog.dataset import DataSet
from catalog.sql import query
from pipelines.groups import GROUPED
from pipelines.interactions import interactions
from pipelines.moments import moments
from pipelines.questions import tested
from pipelines.retrieval import World, viewers_of
from pipelines.worlds import seen_leaves

MOST, SEED = 2_000, 7


def by_visits(data: DataSet) -> bool:
    """Whether the data set is asked so: seen items return, or what is on air follows from acts."""
    return data.manifest().on_air_hours is not None or not seen_leaves(data, interactions(data)[0])


def visit_requests(data: DataSet, most_rows: int) -> tuple[pa.Table, pa.Table]:
    """(rows: GROUPED by qid; all requests there are: qid, user_id, request_time).

    A user's acts at one instant are one request, asked one microsecond before. Beyond MOST requests, or as many as
    give `most_rows` rows if all items are on air, they are a sample with a fixed seed.
    """
    acts, items = interactions(data)
    leaves = seen_leaves(data, acts)
    world = World(acts, items, moments(data, acts, items), leaves, viewers_of(acts))
    asked = query(ASKED, tested=tested(data, leaves))
    drawn = np.random.default_rng(SEED).permutation(asked.num_rows)[
        : max(1, min(MOST, most_rows // max(len(items), 1)))
    ]
    parts = [_candidates(request, world) for request in asked.take(pa.array(np.sort(drawn))).to_pylist()]
    return pa.concat_tables([GROUPED.empty_table(), *parts]), asked.select(["qid", "user_id", "request_time"])


def _candidates(request: dict, world: World) -> pa.Table:
    """What was on air, each with whether it was wanted; no rows where nothing wanted may be shown."""
    may = world.moments.at(request["request_time"]).on_air.copy()
    wanted = np.isin(world.items.ids, request["item_ids"])
    may |= wanted
    if world.seen_leaves:
        (viewer,) = world.ask_viewers(pa.table({name: [request[name]] for name in ("user_id", "request_time")}))
        may[viewer.items] = False
    places = np.flatnonzero(may)  # items are ordered by item_id
    if not wanted[places].any():
        return GROUPED.empty_table()
    same = {name: pa.array([request[name]] * len(places)) for name in ("qid", "user_id", "request_time", "surface")}
    known = np.where(wanted[places], request["known_at"], request["request_time"] + 1)
    columns = {"label": wanted[places].astype(np.int8), "item_id": world.items.ids[places], "known_at": known}
    every = {**same, **{name: pa.array(values) for name, values in columns.items()}}
    return pa.table({name: every[name] for name in GROUPED.names}).cast(GROUPED)


ASKED = """
SELECT row_number() OVER (ORDER BY shown_at, user_id) AS qid, user_id, shown_at - 1 AS request_time,
    any_value(surface) AS surface, list(DISTINCT item_id) AS item_ids, max(known_at) AS known_at
FROM tested GROUP BY user_id, shown_at
"""
