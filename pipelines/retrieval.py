"""Sources of candidates over the history of a data set: who asked at which moment, and what the sources said then."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.schema import INSTANT
from models.interactions import Interactions
from models.items import Items
from models.matrix import matrix
from models.recommender import Recommender, allowed
from models.retrieval.merging import SOURCE_FEATURES, SURE, features_of, fused
from models.retrieval.side_by_side import Answer, ask
from models.retrieval.sources import Fitted
from models.viewer import Viewer
from models.viewing import Histories, viewers
from pipelines.moments import Moments

FOUND = 200  # candidates of each source, and of all together
ROWS_AT_ONCE = 2_000  # viewers in memory


@dataclass(frozen=True)
class World:
    """acts: those that sources and viewers may know of. moments: of the same. seen_leaves: see `Recommender`.

    ask_viewers: user_id and request_time [n] -> viewers as of then, in the same order.
    """

    acts: Interactions
    items: Items
    moments: Moments
    seen_leaves: bool
    ask_viewers: Callable[[pa.Table], list[Viewer]]

    def places_of(self, item_ids: pa.ChunkedArray) -> np.ndarray:
        """int64 [n]; -1 for an item that is not known."""
        known = self.items.table["item_id"].combine_chunks()
        return pc.index_in(item_ids, known).fill_null(-1).to_numpy().astype(np.int64)


def viewers_of(acts: Interactions) -> Callable[[pa.Table], list[Viewer]]:
    """Viewers from the acts themselves, without Feast: no follows, hidden items or stated topics."""
    histories = Histories(acts)
    places = {user: place for place, user in enumerate(acts.user_ids.tolist())}

    def found(rows: pa.Table) -> list[Viewer]:
        asked = zip(rows["user_id"].to_pylist(), rows["request_time"].to_pylist(), strict=True)
        return [histories.viewer(places.get(user, -1), time + 1) for user, time in asked]

    return found


def registered_viewers(items: Items) -> Callable[[pa.Table], list[Viewer]]:
    """Viewers from Feast's service `viewer` as of each row's time."""
    from pipelines.point_in_time import historical_features

    places = {item: place for place, item in enumerate(items.ids.tolist())}

    def found(rows: pa.Table) -> list[Viewer]:
        timed = rows.select(["user_id", "request_time"]).append_column(
            "event_timestamp", rows["request_time"].cast(INSTANT)
        )
        return viewers(historical_features(timed, "viewer"), places)

    return found


def answers(requests: pa.Table, fitted: Fitted, world: World) -> Iterator[tuple[Viewer, Answer]]:
    """What the sources propose for each request: user_id, request_time (us, ascending)."""
    for start in range(0, requests.num_rows, ROWS_AT_ONCE):
        part = requests.slice(start, ROWS_AT_ONCE)
        times = part["request_time"].to_pylist()
        for viewer, moment in zip(world.ask_viewers(part), world.moments.each(times), strict=True):
            may = allowed(viewer, moment, world.seen_leaves)
            yield viewer, ask(fitted.sources, viewer, moment, may, FOUND)


def source_columns(rows: pa.Table, fitted: Fitted, names: list[str], world: World) -> np.ndarray:
    """float32 [rows, SOURCE_FEATURES(names)]: what the sources say of each row's item at its group's request.

    rows: qid, user_id, item_id, request_time, the rows of a group together. NaN for items without a place.
    """
    groups = rows["qid"].to_numpy()
    begins = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]]) if len(groups) else np.zeros(0, np.int64)
    ends = np.append(begins[1:], len(groups))
    order = np.argsort(rows["request_time"].to_numpy()[begins], kind="stable")
    places = world.places_of(rows["item_id"])
    columns = np.full((len(groups), len(SOURCE_FEATURES(names))), np.nan, np.float32)
    requests = rows.select(["user_id", "request_time"]).take(pa.array(begins[order]))
    for group, (_, answer) in zip(order, answers(requests, fitted, world), strict=True):
        own = np.arange(begins[group], ends[group])
        own = own[places[own] >= 0]
        columns[own] = features_of(answer.found, names, places[own])
    return columns


def scores(rows: pa.Table, recommender: Recommender, world: World) -> np.ndarray:
    """float32 [rows], the ranker's: of rows with the features of its service, the rows of a group together.

    world: made with the recommender's items, so that places are the same.
    """
    return scores_of(rows, recommender, columns_of(rows, recommender, world) if recommender.source_features else None)


def columns_of(rows: pa.Table, recommender: Recommender, world: World) -> np.ndarray:
    """float32 [rows, SOURCE_FEATURES(names)]: what the recommender's sources say of rows, as for `scores`."""
    return source_columns(rows, recommender.sources.extended(world.items), recommender.names, world)


def scores_of(rows: pa.Table, recommender: Recommender, columns: np.ndarray | None) -> np.ndarray:
    """`scores` where it is known what the sources say. columns: of `columns_of`, for a ranker that takes any."""
    plain = matrix(rows, recommender.feast_features)
    if not recommender.source_features:
        return recommender.ranker.score(plain)
    return recommender.ranker.score(np.hstack([plain, recommender.taken(columns)]))


def as_served(scores: np.ndarray, columns: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """`scores` [rows] with what would not have been a candidate behind all that would, in the order of the scores.

    columns: of `columns_of` for all that could be shown; groups: codes [rows]. A service ranks the FOUND best of what
    the sources propose together (`merging.merged`), and so was the ranker trained.
    """
    ranks = columns[:, 1:-1:2]
    together = fused(ranks)
    order = np.lexsort((-together - (ranks <= SURE).any(axis=1), groups))
    place = np.empty(len(order), np.int64)
    begins = np.r_[True, groups[order][1:] != groups[order][:-1]] if len(order) else np.zeros(0, bool)
    place[order] = np.arange(len(order)) - np.flatnonzero(begins)[np.cumsum(begins) - 1]
    behind = (place >= FOUND) | (together == 0)
    return np.where(behind, scores - np.ptp(scores) - 1, scores) if len(scores) else scores
