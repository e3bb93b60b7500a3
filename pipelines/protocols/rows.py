"""Rows that are ranked against each other, in groups, as answers to measure: where what was shown is known."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np

from models import bootstrap, metrics
from models.top_lists import NOWHERE, TopLists
from pipelines.protocols.answers import DEPTH
from pipelines.protocols.measured import Figures, Measuring, interval, per_user


@dataclass(frozen=True)
class Rows:
    """groups: ascending codes [rows]. labels: 0 or 1 [rows]. users, items: codes [rows], the latter places."""

    groups: np.ndarray
    labels: np.ndarray
    users: np.ndarray
    items: np.ndarray

    @property
    def owners(self) -> np.ndarray:
        """The user of each group, [groups]."""
        return self.users[np.unique(self.groups, return_index=True)[1]]

    def top(self, scores: np.ndarray) -> TopLists:
        """The groups ordered by `scores` [rows], equal ones in an order drawn once; the whole order counts.

        A group whose rows are all alike has nothing to tell: nothing is wanted of it.
        """
        ranking = metrics.rank(self.groups, self.labels, scores)
        sizes = np.diff(np.append(ranking.starts, len(ranking.order)))
        number = np.repeat(np.arange(len(ranking.groups)), sizes)
        lists = np.full((len(ranking.groups), DEPTH), -1, np.int32)
        first = ranking.ranks < DEPTH
        lists[number[first], ranking.ranks[first]] = self.items[ranking.order][first]
        telling = (ranking.relevant > 0) & (ranking.relevant < sizes)
        wanted = (ranking.labels == 1) & telling[number]
        return TopLists(lists, sizes, number[wanted], ranking.ranks[wanted])

    def only(self, kept: np.ndarray) -> "Rows":
        """The rows where `kept`, bool [rows]."""
        return replace(self, **{name: getattr(self, name)[kept] for name in ("groups", "labels", "users", "items")})


def figures(rows: Rows, scores: Mapping[str, np.ndarray], measuring: Measuring, shown: bool) -> dict[str, Figures]:
    """Scorer -> measure -> mean, low, high. scores: scorer -> [rows].

    shown: a negative is known to be one, so that all rows can be thrown together: `auc` is over all of them, and
    `user_auc` over each user's, weighted by how many there are. Otherwise both are within a group.
    """
    return {scorer: _figures(rows, values, measuring, shown) for scorer, values in scores.items()}


def _figures(rows: Rows, scores: np.ndarray, measuring: Measuring, shown: bool) -> Figures:
    top = rows.top(scores)
    found = measuring.of_top(top, rows.owners)
    if shown:
        owner, area, exposures = metrics.auc_by_user(rows.users, rows.labels, scores)
        whole = bootstrap.auc(rows.labels, scores, rows.users)
        return found | {"auc": asdict(whole), "user_auc": interval(area, owner, exposures)}
    area = whole_area(top)
    owners, of_users = per_user(area, rows.owners)
    return found | {"auc": interval(area, rows.owners), "user_auc": interval(of_users, owners)}


def whole_area(top: TopLists) -> np.ndarray:
    """As `top_lists.area`, of groups that are ranked whole, however deep: [groups]."""
    wanted, others = top.relevant, top.offered - top.relevant
    pairs = np.maximum(wanted * others, 1)
    if (top.ranks >= NOWHERE).any():
        raise ValueError("rows: expected every wanted row to have a rank")
    lost = top.total(top.ranks) - wanted * (wanted - 1) / 2
    return np.where((wanted > 0) & (others > 0), 1 - lost / pairs, np.nan)
