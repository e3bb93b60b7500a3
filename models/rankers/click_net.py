"""The click model and a small network: the mean of their logits. The one cuts where the other bends.

Each tells how likely a row is to be wanted, and they err in different places: on KuaiRand's later days either alone has
an AUC of about .735, both .737. The trees are grown from several seeds, which draw other rows and features.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import xgboost

from models.rankers import click, net
from models.rankers.examples import Examples
from models.rankers.merging import merged
from models.rankers.net import Net
from models.rankers.trees import Trees

SEEDS = (7, 8, 9)
HALF = np.float32(0.5)


@dataclass(frozen=True)
class ClickNet:
    trees: Trees
    net: Net

    @property
    def width(self) -> int:
        return self.net.width

    @property
    def booster(self) -> xgboost.Booster:
        """The trees, whose number and gains are told after training."""
        return self.trees.booster

    def score(self, matrix: np.ndarray) -> np.ndarray:
        return HALF * (self.trees.score(matrix) + self.net.score(matrix))

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        return HALF * (self.trees.contributions(matrix) + self.net.contributions(matrix))

    def save(self, folder: Path) -> None:
        self.trees.save(folder)
        self.net.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(Trees.load(folder), Net.load(folder))


load = ClickNet.load


def fit(examples: Examples, parameters: Mapping[str, object] | None = None) -> ClickNet:
    """parameters: `click` and `net`, those of each. How many trees are grown is found with the first of the seeds."""
    given = dict(parameters or {})
    own = dict(given.get("click", {}))
    first = click.fit(examples, own | {"seed": SEEDS[0]})
    again = own | {"exactly": first.booster.num_boosted_rounds()}
    grown = [first, *(click.fit(examples, again | {"seed": seed}) for seed in SEEDS[1:])]
    trees = Trees(merged([each.booster for each in grown], [1 / len(SEEDS)] * len(SEEDS)))
    return ClickNet(trees, net.fit(examples, given.get("net", {})))
