"""What a ranker learns from: rows of features with what came of them, in groups that are ranked within themselves."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

SLOT = "slot"
"""The column of positions, behind the features: a model is grown with it and scores as if everything stood first."""
FIRST_SLOT = 1.0


@dataclass(frozen=True)
class Examples:
    """One row a candidate, the rows of a group together, groups by the time they were asked.

    matrix: float32 [rows, features], NaN where missing. labels: 0 or 1 [rows]. groups: ascending codes [rows].
    times: when each row's group was asked, int64 [rows]; equal ones where nobody knows. weights: float32 [rows], how
    much each row counts, 1 where None. positions: float32 [rows], the slot from 1 in which the row was shown, NaN where
    nobody knows, None where the log never says. features: the names of the columns. users: codes of who asked [rows],
    by which AUC per user is measured; the groups stand for them where None.
    """

    matrix: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    times: np.ndarray
    weights: np.ndarray | None = None
    positions: np.ndarray | None = None
    features: Sequence[str] = field(default_factory=list)
    users: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.matrix.ndim != 2 or self.matrix.shape[1] != len(self.features):
            raise ValueError(f"examples: {len(self.features)} features named, the matrix is {list(self.matrix.shape)}")

    def __len__(self) -> int:
        return len(self.labels)

    def only(self, rows: np.ndarray) -> "Examples":
        """The rows where `rows`, bool [rows] or their places, says so."""
        columns = ("matrix", "labels", "groups", "times", "weights", "positions", "users")
        return replace(self, **{name: _of(getattr(self, name), rows) for name in columns})

    def with_slot(self) -> tuple[np.ndarray, list[str]]:
        """The matrix and its names, the positions behind the features where the log says any."""
        if self.positions is None or np.isnan(self.positions).all():
            return self.matrix, list(self.features)
        return np.column_stack([self.matrix, self.positions.astype(np.float32)]), [*self.features, SLOT]


def _of(column: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    return None if column is None else column[rows]
