"""What each step of re-ranking is worth: lists with and without it, by accuracy and by variety."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models import metrics
from models.rerank.step import Context, Ranked, Step
from models.rerank.steps import rerank

NONE, ALL = "none", "all"


@dataclass(frozen=True)
class Asked:
    """One request: what the ranker answered, in what it is re-ranked, and the places that were wanted, int64."""

    ranked: Ranked
    context: Context
    wanted: np.ndarray


def ablation(requests: Sequence[Asked], steps: Sequence[Step], k: int = 10) -> dict[str, dict[str, np.ndarray]]:
    """Choice of steps -> measure -> its value for each request, float64 [requests], NaN where nothing was wanted.

    The choices: "none", "all", and of each step "only <name>" and "without <name>". The measures: "ndcg@k", "recall@k",
    "topics@k" (distinct topics, all of an item counted), "creators@k", with the number in place of k. The values
    are paired by request, so `bootstrap.difference` tells how sure a difference is.
    """
    return {name: _measured(requests, chosen, k) for name, chosen in _choices(steps).items()}


def _choices(steps: Sequence[Step]) -> dict[str, list[Step]]:
    only = {f"only {step.name}": [step] for step in steps}
    without = {f"without {step.name}": [other for other in steps if other is not step] for step in steps}
    return {NONE: [], ALL: list(steps)} | only | without


def _measured(requests: Sequence[Asked], steps: Sequence[Step], k: int) -> dict[str, np.ndarray]:
    lists = [rerank(asked.ranked, steps, asked.context).places[:k] for asked in requests]
    ranking = metrics.listed(lists, [asked.wanted for asked in requests])
    found = {f"ndcg@{k}": metrics.ndcg(ranking, k), f"recall@{k}": metrics.recall(ranking, k)}
    if requests:
        items, shown = requests[0].context.items, np.concatenate(lists)
        found[f"topics@{k}"] = metrics.topics_per_list(ranking, items.topics[0][shown], k)
        found[f"creators@{k}"] = metrics.topics_per_list(ranking, items.creators[0][shown], k)
    return found
