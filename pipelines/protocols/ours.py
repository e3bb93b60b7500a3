"""Our lists for a task, stage by stage: what retrieval finds, in the ranker's order, and after re-ranking."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.interactions import Interactions
from models.learning.holdouts import Holdout, LaterHoldout, RandomHoldout
from models.learning.learn import learn
from models.learning.learned import Learned
from models.learning.question import Extra
from pipelines.moments import Moments
from pipelines.protocols.answers import questions
from pipelines.protocols.asked import Task
from pipelines.protocols.candidates import Pool, pooled
from pipelines.protocols.reranked import reranked, settings_of
from pipelines.protocols.world import World

RETRIEVAL, RANKER, RERANK, EXPLORATION = "retrieval", "+ ranker", "+ re-rank", "+ exploration"
STAGES = (RETRIEVAL, RANKER, RERANK, EXPLORATION)
FEWEST_ACTS = 200  # below which a fit has next to nothing to learn from
CELLS = 30_000_000  # questions that are held in memory while learning, times items


@dataclass(frozen=True)
class Ours:
    """lists: stage, or "<source> alone" -> int32 [questions, DEPTH]. told: what was chosen and why, as JSON."""

    lists: dict[str, np.ndarray]
    told: dict[str, Any]
    learned: Learned
    pool: Pool
    aside: dict[str, str] = field(default_factory=dict)


def ours(world: World, task: Task, extra: Extra | None, report: Callable[[str], None]) -> Ours:
    """Learns from the task's fit, and answers its questions."""
    learned = _learned(world, task, extra, report)
    report(f"{task.name}: ask")
    pool = pooled(learned.sources, questions(world, task), len(task.asked), extra)
    merged, _ = pool.ordered(-np.arange(len(pool.places), dtype=np.float64))
    lists, scores = pool.ordered(_scores(learned, pool))
    report(f"{task.name}: re-rank")
    without, usual = (
        reranked(lists, scores, questions(world, task), world.items, settings)
        for settings in settings_of(world.repeats)
    )
    stages = {RETRIEVAL: merged, RANKER: lists, RERANK: without, EXPLORATION: usual}
    return Ours(stages | pool.lists, learned.chosen, learned, pool, learned.chosen.get("aside", {}) | pool.left_out)


def holdout_of(world: World, task: Task) -> Holdout:
    """How a ranker is taught what it will be asked: by chance or by time, as the questions are."""
    if not task.timed:
        return RandomHoldout()
    most = max(100, min(1_500, CELLS // max(1, len(world.items))))
    return LaterHoldout(ahead=1 if world.repeats else 5, most=most)


def _learned(world: World, task: Task, extra: Extra | None, report: Callable[[str], None]) -> Learned:
    def moments(known: Interactions) -> Moments:
        return Moments(known, world.items, world.rule, world.spells)

    return learn(
        task.fit, world.items, holdout_of(world, task), extra, moments=moments, seen_leaves=not world.repeats,
        report=lambda step: report(f"{task.name}: {step}"),
    )  # fmt: skip


def _scores(learned: Learned, pool: Pool) -> np.ndarray:
    """float64 [rows], the ranker's."""
    return learned.ranker.score(pool.matrix(list(learned.ranker.features))).astype(np.float64)
