"""The answers as figures: each scorer's measures with 95 % intervals over users, in all and of parts of them."""

from collections.abc import Callable, Mapping
from dataclasses import asdict

import numpy as np

from models import bootstrap, top_lists
from models.items import Items
from models.top_lists import TopLists
from pipelines.protocols.answers import Answers
from pipelines.protocols.simple import topics_of

DRAWS, SEED = 200, 7
Figures = dict[str, dict[str, float | None]]

OF_WANTED: dict[str, Callable[[TopLists], np.ndarray]] = {
    "ndcg@10": lambda top: top_lists.ndcg(top, 10),
    "map@10": lambda top: top_lists.average_precision(top, 10),
    "hit@1": lambda top: top_lists.hit(top, 1),
    "hit@5": lambda top: top_lists.hit(top, 5),
    "hit@10": lambda top: top_lists.hit(top, 10),
    "recall@20": lambda top: top_lists.recall(top, 20),
    "precision@10": lambda top: top_lists.precision(top, 10),
    "mrr": top_lists.reciprocal_rank,
    "auc": top_lists.area,
}
MICROSOFT = {"map@10": lambda top: top_lists.average_precision(top, 10, of_all=True)}


class Measuring:
    """items: the catalogue. share: float64 [items], the share of the fit's users who acted on each.

    of_all: whether MAP is over all wanted items, as Microsoft's recommenders have it.
    """

    def __init__(self, items: Items, share: np.ndarray, of_all: bool) -> None:
        self._items, self._share = len(items), share
        self._novelty = -np.log2(np.maximum(share, 1 / (2 * max(1, len(share)))))
        self._starts, self._codes, self._names = topics_of(items)
        self._measures = OF_WANTED | (MICROSOFT if of_all else {})

    def figures(self, answers: Answers, names: Mapping[str, str] | None = None) -> dict[str, Figures]:
        """Scorer -> measure -> mean, low, high. names: scorer -> list, all lists under their own names where None."""
        names = names if names is not None else {name: name for name in answers.lists}
        return {scorer: self._of_lists(answers, answers.lists[name]) for scorer, name in names.items()}

    def part(self, answers: Answers, wanted: np.ndarray, names: Mapping[str, str]) -> dict[str, Figures]:
        """The measures of what is wanted, as if only the `wanted`, bool [wanted], had been wanted at all."""
        users = answers.asked.users
        return {
            scorer: self._of_wanted(self._top(answers, answers.lists[name]).only(wanted), users)
            for scorer, name in names.items()
        }

    def by_question(self, answers: Answers, lists: np.ndarray) -> dict[str, np.ndarray]:
        """Measure -> float64 [questions]."""
        top = self._top(answers, lists)
        return {name: measure(top) for name, measure in self._measures.items()}

    def _of_lists(self, answers: Answers, lists: np.ndarray) -> Figures:
        return self.of_top(self._top(answers, lists), answers.asked.users)

    def of_top(self, top: TopLists, users: np.ndarray) -> Figures:
        """Measure -> mean, low, high. users: who asked each question, [questions]."""
        lists, found = top.lists, self._of_wanted(top, users)
        found["coverage@10"] = _coverage(lists[:, :10], users, self._items)
        topics = top_lists.distinct_of_list(lists, self._starts, self._codes, 10) if self._names else None
        found["topics@10"] = interval(topics if topics is not None else np.full(len(lists), np.nan), users)
        found["popularity@10"] = interval(top_lists.mean_of_list(lists, self._share, 10), users)
        found["novelty@10"] = interval(top_lists.mean_of_list(lists, self._novelty, 10), users)
        return found

    def _of_wanted(self, top: TopLists, users: np.ndarray) -> Figures:
        values = {name: measure(top) for name, measure in self._measures.items()}
        found = {name: interval(column, users) for name, column in values.items()}
        owners, area = per_user(values["auc"], users)
        return found | {"user_auc": interval(area, owners)}

    def _top(self, answers: Answers, lists: np.ndarray) -> TopLists:
        return TopLists.of(lists, answers.offered, answers.asked.owner, answers.asked.wanted)


def interval(values: np.ndarray, users: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float | None]:
    """mean, low and high; None where nothing was measured."""
    found = asdict(bootstrap.mean(values, users, weights))
    return {name: None if np.isnan(value) else value for name, value in found.items()}


def per_user(values: np.ndarray, users: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(users, the mean of each one's values), over values that are no NaN."""
    known = ~np.isnan(values)
    owners, unit = np.unique(users[known], return_inverse=True)
    return owners, np.bincount(unit, values[known]) / np.maximum(np.bincount(unit), 1)


def _coverage(lists: np.ndarray, users: np.ndarray, items: int) -> dict[str, float]:
    """Share of the catalogue in any list. A draw with replacement holds fewer users and so fewer items than there are:
    the interval is the spread of the draws, laid around what was found."""
    owners, unit = np.unique(users, return_inverse=True)
    rows, columns = np.nonzero(lists >= 0)
    pairs = np.unique(np.stack([unit[rows], lists[rows, columns]]), axis=1)
    found = len(np.unique(pairs[1])) / max(items, 1)
    random = np.random.default_rng(SEED)
    draws = [_drawn(pairs, random.integers(0, len(owners), len(owners)), len(owners)) for _ in range(DRAWS)]
    low, middle, high = np.quantile(np.array(draws) / max(items, 1), [0.025, 0.5, 0.975])
    return {"mean": found, "low": found + low - middle, "high": found + high - middle}


def _drawn(pairs: np.ndarray, drawn: np.ndarray, owners: int) -> int:
    """How many different items the drawn users were shown. pairs: int64 [2, n], user and item."""
    there = np.bincount(drawn, minlength=owners) > 0
    return len(np.unique(pairs[1][there[pairs[0]]]))
