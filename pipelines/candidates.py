"""The nightly run: what all sources find for each user, written down to be read like any feature."""

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from catalog.dataset import DataSet
from catalog.schema import INSTANT
from models.interactions import Interactions
from models.retrieval import precomputed
from pipelines.model_store import in_use
from pipelines.retrieval import ROWS_AT_ONCE
from pipelines.train import trained_recommender
from pipelines.vectors import write_candidates
from pipelines.worlds import present_world
from streamrank import clock


def find_candidates(
    data: DataSet, active_days: int = 60, report: Callable[[int, int], None] = lambda done, total: None
) -> int:
    """Writes `user_candidates` for every user with an act in the last days; how many there are.

    Of the sources of the recommender in use, else of the one trained last. `streamrank materialize` puts them online.
    """
    held = in_use(data)
    made = held.recommender if held and held.recommender else trained_recommender(data)
    now, world, parts = clock.now_us(), present_world(data, made.items, made.half_life), []
    active = _active(world.acts, now - active_days * clock.DAY)
    moment, sources = world.moments.at(now), made.sources.extended(world.items).sources
    for start in range(0, len(active), ROWS_AT_ONCE):
        asked = pa.table({"user_id": active[start : start + ROWS_AT_ONCE]})
        asked = asked.append_column("request_time", pa.array(np.full(asked.num_rows, now)))
        parts.append(_rows(precomputed.candidates(sources, world.ask_viewers(asked), moment), world.items.ids, now))
        report(min(start + ROWS_AT_ONCE, len(active)), len(active))
    write_candidates(data, pa.concat_tables(parts) if parts else _rows(iter(()), world.items.ids, now))
    return len(active)


def _active(acts: Interactions, since: int) -> pa.Array:
    """Ids of the users with an act from `since` on."""
    return pa.array(acts.user_ids[np.unique(acts.users[acts.times >= since])], pa.string())


def _rows(found: Iterator[tuple[str, np.ndarray, np.ndarray]], ids: np.ndarray, now: int) -> pa.Table:
    each = list(found)
    offsets = np.append(0, np.cumsum([len(places) for _, places, _ in each]))
    places = np.concatenate([*(places for _, places, _ in each), np.zeros(0, np.int64)])
    scores = np.concatenate([*(scores for _, _, scores in each), np.zeros(0, np.float32)])
    at = pa.array(np.full(len(each), now), pa.int64())
    columns = {
        "user_id": pa.array([user for user, _, _ in each], pa.string()),
        "event_timestamp": at.cast(INSTANT),
        "created": at.cast(INSTANT),
        "candidate_items": pa.ListArray.from_arrays(offsets, pa.array(ids[places], pa.string())),
        "candidate_scores": pa.ListArray.from_arrays(offsets, pa.array(scores, pa.float32())),
        "candidates_at": at,
    }
    return pa.table(columns)
