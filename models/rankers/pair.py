"""The choice model and LambdaMART in one score: a line where there is little to learn from, and what bends beside it.

They err in different places: on ML-100K's validation parts LambdaMART alone is well behind, and both together are ahead
of either. Their scores are added in standard deviations; how much of which matters little, so that it is not chosen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from models.rankers import choice, lambdamart
from models.rankers.choice import Choice
from models.rankers.examples import Examples
from models.rankers.trees import Trees

FILE = "model.pair.npz"
SHARE = 0.5  # of LambdaMART beside the choice model's 1
TREES = {"eta": 0.05}


@dataclass(frozen=True)
class Pair:
    """unit: what LambdaMART's scores are multiplied by before they are added."""

    line: Choice
    trees: Trees
    unit: float

    @property
    def width(self) -> int:
        return self.line.width

    def score(self, matrix: np.ndarray) -> np.ndarray:
        return self.line.score(matrix) + np.float32(self.unit) * self.trees.score(matrix)

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        return self.line.contributions(matrix) + np.float32(self.unit) * self.trees.contributions(matrix)

    def save(self, folder: Path) -> None:
        self.line.save(folder)
        self.trees.save(folder)
        np.savez(folder / FILE, unit=self.unit)

    @classmethod
    def load(cls, folder: Path) -> Self:
        with np.load(folder / FILE, allow_pickle=False) as found:
            return cls(Choice.load(folder), Trees.load(folder), float(found["unit"]))


load = Pair.load


def fit(examples: Examples, parameters: Mapping[str, object] | None = None) -> Pair:
    """parameters: `choice` and `lambdamart`, those of each."""
    given = dict(parameters or {})
    line = choice.fit(examples, given.get("choice", {}))
    trees = lambdamart.fit(examples, {**TREES, **given.get("lambdamart", {})})
    spreads = [float(np.std(model.score(examples.matrix))) for model in (line, trees)]
    return Pair(line, trees, SHARE * spreads[0] / max(spreads[1], 1e-9))
