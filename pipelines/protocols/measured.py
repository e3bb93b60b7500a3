"""The answers as figures: each scorer's measures with 95 % intervals over users, in all and of parts of them."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np

from models import bootstrap, metrics
from models.bootstrap import Interval
from models.items import Items
from models.metrics import Ranking
from pipelines.protocols.answers import Answers
from pipelines.protocols.simple import topics_of

DRAWS, SEED = 200, 7
Figures = dict[str, dict[str, float | None]]
Measures = dict[str, Callable[[Ranking], np.ndarray]]

OF_WANTED: Measures = {
    "ndcg@10": lambda ranking: metrics.ndcg(ranking, 10),
    "map@10": lambda ranking: metrics.average_precision(ranking, 10),
    "hit@1": lambda ranking: metrics.hit_rate(ranking, 1),
    "hit@5": lambda ranking: metrics.hit_rate(ranking, 5),
    "hit@10": lambda ranking: metrics.hit_rate(ranking, 10),
    "recall@20": lambda ranking: metrics.recall(ranking, 20),
    "precision@10": lambda ranking: metrics.precision(ranking, 10),
    "mrr": metrics.reciprocal_rank,
}
MICROSOFT: Measures = {"map@10": lambda ranking: metrics.average_precision_of_all(ranking, 10)}


@dataclass(frozen=True)
class Ranked:
    """A scorer's lists. items: int64 [rows], the place of each row's item. users: codes [groups]. offered: int64
    [groups], how many items could have been ranked."""

    ranking: Ranking
    items: np.ndarray
    users: np.ndarray
    offered: np.ndarray


class Measuring:
    """items: the catalogue. acts: int64 [items], on each in what was learned from. of_all: MAP is over all that is
    wanted, as Microsoft's recommenders have it."""

    def __init__(self, items: Items, acts: np.ndarray, of_all: bool) -> None:
        self._catalogue = len(items)
        self._popularity, self._information = metrics.popularity(acts), metrics.information(acts)
        self._topics = _padded(*topics_of(items)[:2])
        self._measures = OF_WANTED | (MICROSOFT if of_all else {})

    def figures(self, answers: Answers, names: Mapping[str, str]) -> dict[str, Figures]:
        """Scorer -> measure -> mean, low, high. names: scorer -> the name of its lists."""
        return {scorer: self.of_lists(ranked(answers, answers.lists[name])) for scorer, name in names.items()}

    def part(self, answers: Answers, wanted: np.ndarray, names: Mapping[str, str]) -> dict[str, Figures]:
        """The measures of what is wanted, as if only the `wanted`, bool [wanted], had been wanted at all."""
        return {scorer: self.of_wanted(ranked(answers, answers.lists[name], wanted)) for scorer, name in names.items()}

    def of_lists(self, lists: Ranked) -> Figures:
        """Whether what is wanted stands at the top, and what the lists are like."""
        ranking, items = lists.ranking, lists.items
        like = {
            "topics@10": metrics.topics_per_list(ranking, self._topics[items], 10),
            "popularity@10": metrics.mean_of_shown(ranking, self._popularity[items], 10),
            "novelty@10": metrics.mean_of_shown(ranking, self._information[items], 10),
        }
        found = intervals(like, lists.users)
        return self.of_wanted(lists) | {"coverage@10": _coverage(lists, self._catalogue)} | found

    def of_wanted(self, lists: Ranked) -> Figures:
        """Measure -> mean, low, high over users."""
        area = metrics.auc_within(lists.ranking, lists.offered)
        owners, of_users = per_user(area, lists.users)
        found = intervals(self.by_question(lists.ranking) | {"auc": area}, lists.users)
        return found | intervals({"user_auc": of_users}, owners)

    def by_question(self, ranking: Ranking) -> dict[str, np.ndarray]:
        """Measure -> float64 [groups]."""
        return {name: measure(ranking) for name, measure in self._measures.items()}


def ranked(answers: Answers, lists: np.ndarray, counts: np.ndarray | None = None) -> Ranked:
    """Lists, int32 [questions, depth], beside what was wanted; of this only what `counts`, bool [wanted]."""
    asked = answers.asked
    wanted = asked.wanted if counts is None else np.where(counts, asked.wanted, -1)
    given = [row[row >= 0] for row in lists]
    wishes = [part[part >= 0] for part in np.split(wanted, asked.starts[1:-1])]
    return Ranked(metrics.listed(given, wishes), lists[lists >= 0].astype(np.int64), asked.users, answers.offered)


def whole(groups: np.ndarray, labels: np.ndarray, scores: np.ndarray, items: np.ndarray, users: np.ndarray) -> Ranked:
    """Rows ordered within their groups, all columns [rows]. A group whose rows are all alike has nothing to tell: it is
    taken to want nothing."""
    ranking = metrics.rank(groups, labels, scores)
    telling = (ranking.relevant > 0) & (ranking.relevant < ranking.sizes)
    kept = ranking.labels * np.repeat(telling, ranking.sizes)
    owners = users[np.unique(groups, return_index=True)[1]]
    return Ranked(replace(ranking, labels=kept), items, owners, ranking.sizes)


def intervals(columns: dict[str, np.ndarray], users: np.ndarray) -> Figures:
    """Name -> mean, low and high of its values [n], over users; None where nothing was measured."""
    found = bootstrap.means(np.column_stack(list(columns.values())), users)
    return {name: plain(interval) for name, interval in zip(columns, found, strict=True)}


def plain(interval: Interval) -> dict[str, float | None]:
    """mean, low, high; None for NaN, which JSON does not know."""
    return {name: None if np.isnan(value) else value for name, value in asdict(interval).items()}


def per_user(values: np.ndarray, users: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(users, the mean of each one's values), over values that are no NaN."""
    known = ~np.isnan(values)
    owners, unit = np.unique(users[known], return_inverse=True)
    return owners, np.bincount(unit, values[known]) / np.maximum(np.bincount(unit), 1)


def _coverage(lists: Ranked, catalogue: int) -> dict[str, float]:
    """Share of the catalogue in any list. A draw with replacement holds fewer users and so fewer items than there are:
    the interval is the spread of the draws, laid around what was found. It ends at the whole catalogue: nothing that
    could be true lies beyond, so the part cut off made it no surer."""
    ranking = lists.ranking
    owners, unit = np.unique(lists.users, return_inverse=True)
    group = np.repeat(np.arange(len(ranking.sizes)), ranking.sizes)[ranking.ranks < 10]
    shown = lists.items[ranking.order[ranking.ranks < 10]]
    pairs = np.unique(np.stack([unit[group], shown]), axis=1)
    random = np.random.default_rng(SEED)
    draws = [_drawn(pairs, random.integers(0, len(owners), len(owners)), catalogue) for _ in range(DRAWS)]
    low, middle, high = np.quantile(draws, [0.025, 0.5, 0.975])
    found = metrics.coverage(ranking, lists.items, 10, catalogue)
    return {"mean": found, "low": max(0.0, found + low - middle), "high": min(1.0, found + high - middle)}


def _drawn(pairs: np.ndarray, drawn: np.ndarray, catalogue: int) -> float:
    """Share of the catalogue that the drawn users were shown. pairs: int64 [2, n], user and item."""
    there = np.zeros(pairs[0].max(initial=0) + 1, bool)
    there[drawn[drawn < len(there)]] = True
    seen = np.zeros(catalogue, bool)
    seen[pairs[1][there[pairs[0]]]] = True
    return float(seen.mean())


def _padded(starts: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Topic codes, int64 [items, most], -1 where an item has fewer."""
    lengths = np.diff(starts)
    table = np.full((len(lengths), max(1, lengths.max(initial=0))), -1)
    table[np.arange(table.shape[1]) < lengths[:, None]] = codes
    return table
