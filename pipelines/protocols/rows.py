"""Rows that are ranked against each other, in groups, as figures: where what was shown is known, or all was asked."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models import bootstrap, metrics
from pipelines.protocols.measured import Figures, Measuring, plain, whole


@dataclass(frozen=True)
class Rows:
    """groups: codes [rows]. labels: 0 or 1 [rows]. users, items: codes [rows], the latter places."""

    groups: np.ndarray
    labels: np.ndarray
    users: np.ndarray
    items: np.ndarray


def figures(rows: Rows, scores: Mapping[str, np.ndarray], measuring: Measuring, shown: bool) -> dict[str, Figures]:
    """Scorer -> measure -> mean, low, high. scores: scorer -> [rows].

    shown: a negative is known to be one, so that all rows can be thrown together: `auc` is over all of them, and
    `user_auc` over each user's, weighted by how many there are. Otherwise both are within a group.
    """
    return {scorer: _figures(rows, values, measuring, shown) for scorer, values in scores.items()}


def _figures(rows: Rows, scores: np.ndarray, measuring: Measuring, shown: bool) -> Figures:
    found = measuring.of_lists(whole(rows.groups, rows.labels, scores, rows.items, rows.users))
    if not shown:
        return found
    owners, area, exposures = metrics.auc_by_user(rows.users, rows.labels, scores)
    of_all = bootstrap.auc(rows.labels, scores, rows.users)
    return found | {"auc": plain(of_all), "user_auc": plain(bootstrap.mean(area, owners, exposures))}
