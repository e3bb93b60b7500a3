"""How good a ranking is. `rank` rows or `listed` lists give a Ranking; a measure of it is a value for each group."""

from models.metrics.accuracy import (
    average_precision,
    average_precision_of_all,
    hit_rate,
    ndcg,
    precision,
    recall,
    reciprocal_rank,
)
from models.metrics.area import auc, auc_by_user, auc_draws
from models.metrics.beyond import (
    coverage,
    gini,
    information,
    mean_of_shown,
    popularity,
    times_shown,
    topics_per_list,
)
from models.metrics.cold import cold_items, cold_users, wanted_among
from models.metrics.lists import auc_within
from models.metrics.ranking import Ranking, listed, rank

__all__ = [
    "Ranking", "auc", "auc_by_user", "auc_draws", "auc_within", "average_precision", "average_precision_of_all",
    "cold_items", "cold_users", "coverage", "gini", "hit_rate", "information", "listed", "mean_of_shown", "ndcg",
    "popularity", "precision", "rank", "recall", "reciprocal_rank", "times_shown", "topics_per_list", "wanted_among",
]  # fmt: skip
