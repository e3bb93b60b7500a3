"""What a data set's recommender learns from: the acts of its training part, and the moments and viewers they make."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.dataset import DataSet
from models.interactions import Interactions
from models.items import Items
from models.recommender import Recommender
from models.retrieval.sources import Fitted, fit_all
from models.retrieval.trending import Trending
from pipelines.interactions import interactions
from pipelines.moments import moments
from pipelines.questions import parts
from pipelines.retrieval import World, registered_viewers, viewers_of
from pipelines.vectors import add_vectors, vector_rows
from pipelines.visits import gap

REPEATS_COUNT_FROM = 0.1  # of the acts


def training_world(data: DataSet) -> World:
    """The world of the acts that may be learned from."""
    acts, items = interactions(data)
    return world(data, learned(data, acts), items)


def present_world(data: DataSet, known: Items | None = None, half_life: float | None = None) -> World:
    """The world of all acts by now, of which every request sees those before it.

    known: see `interactions`. half_life: see `Moments`; that of a recommender, so that nothing is chosen by its test.
    """
    return world(data, *interactions(data, known), half_life)


def world(data: DataSet, acts: Interactions, items: Items, half_life: float | None = None) -> World:
    """The world of these acts. Viewers are asked of Feast's service `viewer` where it is registered."""
    ask = registered_viewers(items) if _registered() else viewers_of(acts)
    return World(acts, items, moments(data, acts, items, half_life), seen_leaves(data, acts), ask)


def learned(data: DataSet, acts: Interactions) -> Interactions:
    """The acts before the split, or before each user's own test part begins: see `questions.parts`."""
    _, tested = parts(data, seen_leaves(data, acts))
    if not tested.num_rows:
        return acts
    first = tested.group_by("user_id").aggregate([("shown_at", "min")])
    people = pc.index_in(pa.array(acts.user_ids, pa.string()), first["user_id"].combine_chunks())
    begins = pc.take(first["shown_at_min"], people).fill_null(np.iinfo(np.int64).max).to_numpy()
    if data.manifest().split_at is not None:
        begins = np.full(len(begins), first["shown_at_min"].to_numpy().min())
    return acts.only(acts.times < begins[acts.users])


def fresh(data: DataSet, made: Recommender) -> Recommender:
    """The recommender with its sources fitted to all acts by now: what is served need not wait for a test any more.

    The users' vectors of that fit are written as a feature; `streamrank materialize` puts them online.
    """
    acts, items = interactions(data)
    sources = _as_trained(fit_all(acts, items, made.names), acts, made.half_life)
    add_vectors(data, vector_rows(sources, acts, int(acts.times[-1]) + 1))
    return replace(made, items=items, sources=sources)


def _as_trained(sources: Fitted, acts: Interactions, half_life: float | None) -> Fitted:
    """The sources, what is watched lately counted as the ranker knows it."""
    if half_life is None:
        return sources
    kept = (Trending.of(acts, half_life) if isinstance(each, Trending) else each for each in sources.sources)
    return replace(sources, sources=tuple(kept))


def seen_leaves(data: DataSet, acts: Interactions) -> bool:
    """Whether what a user acted on is not wanted again: as the manifest says, else by how often acts return."""
    said = data.manifest().repeats
    return not (share_again(acts, gap(data)) >= REPEATS_COUNT_FROM if said is None else said)


def share_again(acts: Interactions, gap: int) -> float:
    """Of the visits, those to an item that the user had visited before. A click and the view that follows are one."""
    order = np.lexsort((acts.times, acts.items, acts.users))
    users, items, times = acts.users[order], acts.items[order], acts.times[order]
    same = (users[1:] == users[:-1]) & (items[1:] == items[:-1])
    again = same & (times[1:] - times[:-1] >= gap)
    visits = len(order) - np.count_nonzero(same & ~again)
    return float(np.count_nonzero(again) / visits) if visits else 0.0


def _registered() -> bool:
    """Whether Feast can be asked for viewers."""
    from pipelines.feature_store import FeaturesMissing, open_store

    try:
        return "viewer" in {service.name for service in open_store().list_feature_services()}
    except FeaturesMissing:
        return False
