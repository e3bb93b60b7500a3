"""The contract of a fitted ranker, whatever kind it is."""

from pathlib import Path
from typing import Protocol, Self

import numpy as np


class Model(Protocol):
    """width: how many features it takes. The same matrix gives the same bits, in any process."""

    @property
    def width(self) -> int: ...

    def score(self, matrix: np.ndarray) -> np.ndarray:
        """float32 [rows] from float32 [rows, width], NaN where missing; a higher score ranks first."""

    def contributions(self, matrix: np.ndarray) -> np.ndarray | None:
        """float32 [rows, width + 1] that adds up to the score in each row: of each feature, then what all rows have.

        None where a kind cannot say.
        """

    def save(self, folder: Path) -> None:
        """Writes all that `load` needs into `folder`, in files whose names begin with `model.`. No pickles."""

    @classmethod
    def load(cls, folder: Path) -> Self: ...
