"""The rows of a training set with what the sources said: asked epoch by epoch, each of sources that had not seen it."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from catalog.dataset import DataSet
from models.items import Items
from models.recommender import ITEMS, RETRIEVAL
from models.retrieval.merging import SOURCE_FEATURES
from models.retrieval.sources import Fitted, fit_all, load
from pipelines import inputs
from pipelines.candidate_rows import candidate_rows
from pipelines.epochs import FIRST, FIRST_SHOWN, Epoch, epochs, fits
from pipelines.groups import grouped, with_both_outcomes
from pipelines.labels import has_impressions, labelled
from pipelines.questions import questions, span_of, wanted
from pipelines.retrieval import World, source_columns
from pipelines.splits import split
from pipelines.vectors import add_vectors, vector_rows
from pipelines.worlds import training_world


@dataclass(frozen=True)
class Asked:
    """rows: qid, label, user_id, item_id, request_time, surface, known_at, what else labels bring, and
    `source_features`; by qid. sources: fitted to the whole training part, to be served. found, shown: as in
    `TrainingSet`. vectors: users' of every fit, as rows of `user_vectors`.
    """

    rows: pa.Table
    sources: Fitted
    items: Items
    seen_leaves: bool
    shown: bool
    found: dict[str, float]
    vectors: pa.Table

    @property
    def source_features(self) -> list[str]:
        return SOURCE_FEATURES(self.sources.names)

    def save(self, data: DataSet) -> None:
        """The sources and their items, for `train` to put beside the ranker; the vectors as a feature."""
        folder = data.training
        shutil.rmtree(folder / RETRIEVAL, ignore_errors=True)
        self.sources.save(folder / RETRIEVAL)
        pq.write_table(self.items.table, folder / ITEMS)
        add_vectors(data, self.vectors)


def asked(data: DataSet, begin: Callable[[], None] = lambda: None) -> Asked:
    """The training part's rows. begin: called once what is asked is known, before the sources are fitted."""
    shown = has_impressions(data)
    world = training_world(data)
    if not len(world.acts):
        raise inputs.no_acts(data)
    rows = training_groups(data) if shown else wanted(data, world.seen_leaves)
    begin()
    sources = fit_all(world.acts, world.items)
    vectors = [vector_rows(sources, world.acts, int(world.acts.times[-1]) + 1)] if len(world.acts) else []
    ask = _of_impressions if shown else partial(_of_questions, span=span_of(data))
    found, proposed = ask(rows, sources, world, vectors)
    return Asked(found, sources, world.items, world.seen_leaves, shown, proposed, pa.concat_tables(vectors))


def read_sources(data: DataSet) -> tuple[Fitted, Items]:
    """What `Asked.save` wrote with the training set; StepMissing when there is none."""
    folder = data.training
    if not (folder / RETRIEVAL).exists():
        raise inputs.StepMissing(f"no fitted sources: expected {folder / RETRIEVAL}; run `streamrank training-set`")
    items = Items(pq.read_table(folder / ITEMS).combine_chunks())
    return load(folder / RETRIEVAL, items), items


def training_groups(data: DataSet) -> pa.Table:
    """The impressions of the training part: `groups.SHOWN`; none where no group has both outcomes.

    A group with one outcome says nothing of an order, but it says how much its user wants at all.
    """
    manifest = data.manifest()
    learned, _ = split(labelled(data), manifest)
    rows = grouped(learned, manifest.group_zone_hours, manifest.times == "order")
    return rows if with_both_outcomes(rows).num_rows else rows.slice(0, 0)


def _of_impressions(
    rows: pa.Table, sources: Fitted, world: World, vectors: list[pa.Table]
) -> tuple[pa.Table, dict[str, float]]:
    """The rows with their columns; those from before the first epoch have none to ask, and stay missing.

    vectors: those of each fit are put behind them.
    """
    names = SOURCE_FEATURES(sources.names)
    times, matrix = rows["request_time"].to_numpy(), np.full((rows.num_rows, len(names)), np.nan, np.float32)
    chain = epochs(world.acts, FIRST_SHOWN)
    for epoch, fitted in zip(chain, fits(world.acts, world.items, chain, sources.names), strict=True):
        vectors.append(vector_rows(fitted, world.acts.before(epoch.begins), epoch.begins))
        own = np.flatnonzero(_within(times, epoch))
        matrix[own] = source_columns(rows.take(pa.array(own)), fitted, sources.names, world)
    for place, name in enumerate(names):
        rows = rows.append_column(name, pa.array(matrix[:, place]))
    return rows, {}


def _of_questions(
    rows: pa.Table, sources: Fitted, world: World, vectors: list[pa.Table], span: int
) -> tuple[pa.Table, dict[str, float]]:
    """span: see `questions`."""
    chain = epochs(world.acts, FIRST)
    if not chain:
        raise inputs.StepMissing("expected acts at several instants to learn from, found all at one; load more data")
    asked, answers = questions(rows, chain[0].begins, world.seen_leaves, span=span)
    parts, found = [], np.zeros(len(sources.names))
    for epoch, fitted in zip(chain, fits(world.acts, world.items, chain, sources.names), strict=True):
        vectors.append(vector_rows(fitted, world.acts.before(epoch.begins), epoch.begins))
        own = asked.filter(pa.array(_within(asked["request_time"].to_numpy(), epoch)))
        part, counts = candidate_rows(own, answers, fitted, sources.names, world)
        parts.append(part)
        found += counts
    total = max(answers.num_rows, 1)
    return pa.concat_tables(parts), dict(zip(sources.names, (found / total).tolist(), strict=True))


def _within(times: np.ndarray, epoch: Epoch) -> np.ndarray:
    return (times >= epoch.begins) & (times < epoch.ends)
