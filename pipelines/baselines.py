"""What the trained ranker must beat on the requests of the test part; a baseline that lacks its inputs steps aside."""

from math import log

import numpy as np
import pyarrow as pa

from catalog.dataset import DataSet
from catalog.sql import query
from models.baselines import RECENT_DAYS, baseline_scores
from models.habits import LAST, MOST_OFTEN, habit_scores
from models.interactions import Interactions
from models.items import Items
from pipelines import inputs
from pipelines.interactions import acts_sql, interactions
from pipelines.labels import labelled
from pipelines.worlds import seen_leaves
from streamrank.clock import DAY

POPULARITY, RECENT, INTERESTS = "popularity", "recent popularity", "topics of interest"
LEAVE = "seen items leave"


def baselines(data: DataSet, rows: pa.Table, half_life: float | None) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """(scorer -> float64 [rows], scorer -> why it stepped aside).

    rows: user_id, item_id, request_time. half_life: of what is watched lately, as chosen in training, us; None where
    nothing trends. Where times are only an order, it says how long lately is: no week does.
    """
    lately = _lately(data, half_life)
    acts, items = interactions(data)
    scores = baseline_scores(rows, labelled(data), *_told(data, items), lately or RECENT_DAYS * DAY)
    aside = _aside(scores, lately)
    if seen_leaves(data, acts):
        aside |= dict.fromkeys((MOST_OFTEN, LAST), LEAVE)
    else:
        scores |= habit_scores(rows, _named(acts), scores[RECENT])
    return {name: values for name, values in scores.items() if name not in aside}, aside


def _lately(data: DataSet, half_life: float | None) -> int | None:
    """us: the window in which acts are as old, on the average, as they count under the half-life."""
    if data.manifest().times != "order":
        return RECENT_DAYS * DAY
    return None if half_life is None else max(1, round(half_life * 2 / log(2)))


def _aside(scores: dict[str, np.ndarray], lately: int | None) -> dict[str, str]:
    """Those that are no more than popularity, and why."""
    popularity, aside = scores[POPULARITY], {}
    if lately is None:
        aside[RECENT] = "times are only an order, and nothing trends that would tell how much of it is lately"
    elif np.array_equal(scores[RECENT], popularity):
        aside[RECENT] = "all that was known is of lately, so that it is popularity"
    if np.array_equal(scores[INTERESTS], popularity):
        aside[INTERESTS] = "no item has a topic that any of the users stated or had acted on"
    return aside


def _told(data: DataSet, items: Items) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Acts with topics, items and users, as `baseline_scores` takes them; acts are what a viewer's history holds."""
    acts = query(f"""SELECT a.user_id, e.topics, epoch_us(e.arrived_at) AS known_at
                     FROM ({acts_sql(data)}) a JOIN {inputs.events(data)} e USING (shard, log_position)
                     WHERE e.topics IS NOT NULL""")
    columns = (items.table, "item_id"), (inputs.users(data), "user_id")
    return acts, *(table.select([key, "topics"]) for table, key in columns)


def _named(acts: Interactions) -> pa.Table:
    """user_id, item_id, known_at of all acts."""
    users, items = (pa.array(ids, pa.string()) for ids in (acts.user_ids, acts.item_ids))
    return pa.table(
        {
            "user_id": users.take(pa.array(acts.users)),
            "item_id": items.take(pa.array(acts.items)),
            "known_at": acts.times,
        }
    )
