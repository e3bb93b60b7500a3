"""What each step of re-ranking does to the ranker's lists: accuracy and variety with and without it."""

import numpy as np

from models.rerank.ablation import choices
from models.rerank.step import Context, Ranked
from models.rerank.steps import rerank, steps
from pipelines.protocols.answers import empty, put, questions
from pipelines.protocols.asked import Task
from pipelines.protocols.ours import Ours
from pipelines.protocols.reranked import SHOWN, settings_of
from pipelines.protocols.world import World


def by_step(found: Ours, world: World, task: Task) -> dict[str, np.ndarray]:
    """By "re-rank, <steps>": lists, int32 [questions, DEPTH]; nothing where no ranker was learned."""
    if found.learned is None:
        return {}
    ranker, pool = found.learned.ranker, found.pool
    lists, scores = pool.ordered(ranker.score(pool.matrix(list(ranker.features))).astype(np.float64))
    chains = choices(steps(settings_of(world.repeats)[1]))
    made = {f"re-rank, {name}": empty(len(lists)) for name in chains}
    for question in questions(world, task):
        there = lists[question.number] >= 0
        given = Ranked.of(lists[question.number][there], scores[question.number][there])
        context = Context(question.viewer, question.moment, world.items, SHOWN, question.number)
        for name, chain in chains.items():
            put(made[f"re-rank, {name}"], question.number, rerank(given, chain, context).places)
    return made
