"""Our lists for a task, stage by stage: what retrieval finds, in the ranker's order, and after re-ranking."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from models.interactions import Interactions
from models.learning.holdouts import Holdout, LaterHoldout, RandomHoldout
from models.learning.learn import learn
from models.learning.learned import Learned
from models.learning.question import Extra
from models.retrieval.sources import ALL, fit_all
from pipelines.moments import Moments
from pipelines.protocols.answers import questions
from pipelines.protocols.asked import Task
from pipelines.protocols.candidates import Pool, pooled
from pipelines.protocols.reranked import reranked, settings_of
from pipelines.protocols.world import World

RETRIEVAL, RANKER, RERANK, EXPLORATION = "retrieval", "+ ranker", "+ re-rank", "+ exploration"
STAGES = (RETRIEVAL, RANKER, RERANK, EXPLORATION)
MOST, FEWER, LARGE = 1_500, 700, 50_000  # questions of a fold; fewer where a catalogue has more items than LARGE
COMING = ("up_next",)  # sources that tell what comes at an instant; where questions have none, they step aside
AFTERWARDS = 4.0  # times the hours of "on air within the last H hours"; so that what begins then is not told by it


@dataclass(frozen=True)
class Ours:
    """lists: stage, or "<source> alone" -> int32 [questions, DEPTH]. told: what was chosen and why, as JSON."""

    lists: dict[str, np.ndarray]
    told: dict[str, Any]
    learned: Learned | None
    pool: Pool
    aside: dict[str, str] = field(default_factory=dict)


def ours(world: World, task: Task, extra: Extra | None, report: Callable[[str], None]) -> Ours:
    """Learns from the task's fit, and answers its questions; where nothing can be learned, sources take turns."""
    try:
        learned, why = _learned(world, task, extra, report), None
    except ValueError as reason:  # too few acts to hold any out, or no source that could be fitted to them
        learned, why = None, str(reason)
    sources = learned.sources if learned else fit_all(task.fit, world.items, _names(task))
    report(f"{task.name}: ask")
    pool = pooled(sources, questions(world, task), len(task.asked), extra if learned else None)
    merged, turns = pool.ordered(-np.arange(len(pool.places), dtype=np.float64))
    lists, scores = pool.ordered(_scores(learned, pool)) if learned else (merged, turns)
    report(f"{task.name}: re-rank")
    chains = settings_of(world.repeats)
    without, usual = (reranked(lists, scores, questions(world, task), world.items, chain) for chain in chains)
    stages = {RETRIEVAL: merged, RANKER: lists, RERANK: without, EXPLORATION: usual}
    told = learned.chosen if learned else {"kept": "sources in turn", "why": why}
    aside = told.get("aside", {}) | sources.aside | _untimed(task) | pool.left_out
    return Ours(stages | pool.lists, told, learned, pool, aside)


def holdout_of(world: World, task: Task) -> Holdout:
    """How a ranker is taught what it will be asked: by chance or by time, as the questions are."""
    if not task.timed:
        return RandomHoldout()
    most = FEWER if len(world.items) > LARGE else MOST
    return LaterHoldout(ahead=1 if world.repeats else 5, most=most)


def _names(task: Task) -> list[str]:
    """Of the sources that can be asked."""
    return [kind.name for kind in ALL if kind.name not in _untimed(task)]


def _untimed(task: Task) -> dict[str, str]:
    return (
        {} if task.timed else {name: f"{name}: questions have no instant here, nothing comes next" for name in COMING}
    )


def _learned(world: World, task: Task, extra: Extra | None, report: Callable[[str], None]) -> Learned:
    def moments(known: Interactions) -> Moments:
        return Moments(known, world.items, replace(world.rule, afterwards=AFTERWARDS), world.spells)

    return learn(
        task.fit, world.items, holdout_of(world, task), extra, names=_names(task), moments=moments,
        seen_leaves=not world.repeats, report=lambda step: report(f"{task.name}: {step}"),
    )  # fmt: skip


def _scores(learned: Learned, pool: Pool) -> np.ndarray:
    """float64 [rows], the ranker's."""
    return learned.ranker.score(pool.matrix(list(learned.ranker.features))).astype(np.float64)
