"""How well scores order examples, by several measures at once."""

import numpy as np

from models import metrics
from models.rankers.examples import Examples

AREAS, LISTS = ("auc", "user_auc"), ("ndcg@10",)
"""What counts where impressions are logged, and where candidates are drawn to a request."""


def measured(examples: Examples, scores: np.ndarray) -> dict[str, float]:
    """auc over all rows, user_auc of each user weighted by exposures, ndcg@10 of groups with a positive; NaN where
    the labels do not tell."""
    groups, labels = np.asarray(examples.groups), np.asarray(examples.labels)
    _, areas, exposures = metrics.auc_by_user(groups if examples.users is None else examples.users, labels, scores)
    gains = metrics.ndcg(metrics.rank(groups, labels, scores), 10)
    return {
        "auc": metrics.auc(labels, scores),
        "user_auc": float(np.average(areas, weights=exposures)) if len(areas) else float("nan"),
        "ndcg@10": float(np.nanmean(gains)) if np.isfinite(gains).any() else float("nan"),
    }


def worth(found: dict[str, float], counted: tuple[str, ...]) -> float:
    """The mean of the measures that count."""
    return float(np.mean([found[name] for name in counted]))
