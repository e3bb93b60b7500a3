"""The two-tower network (Covington et al., 2016; Yi et al., 2019): a vector of who asks times a vector of the item.

Fitted by PyTorch, on the CPU, and scored by numpy, so that a service needs no PyTorch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from models.rankers.examples import Examples
from models.retrieval.source import StepsAside

FILE = "model.towers.npz"


@dataclass(frozen=True)
class TwoTower:
    """arrays: the layers by name, float32."""

    arrays: dict[str, np.ndarray]

    @property
    def width(self) -> int:
        return len(self.arrays["middle"])

    def score(self, matrix: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def contributions(self, matrix: np.ndarray) -> None:
        return None

    def save(self, folder: Path) -> None:
        np.savez(folder / FILE, **self.arrays)

    @classmethod
    def load(cls, folder: Path) -> Self:
        with np.load(folder / FILE, allow_pickle=False) as found:
            return cls({name: found[name] for name in found.files})


load = TwoTower.load


def fit(examples: Examples, parameters: Mapping[str, object] | None = None) -> TwoTower:
    raise StepsAside("two_tower: not yet fitted here")
