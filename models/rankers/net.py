"""A small network on whether each row was wanted: one hidden layer beside a line; the score is the logit.

It bends slowly where trees cut, so the two err in different places. Several networks of other beginnings are averaged,
and since each has one hidden layer, their mean is one network of a wider layer. Fitted and scored by numpy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from models.rankers.examples import FIRST_SLOT, Examples
from models.rankers.net_fitting import taught
from models.rankers.net_inputs import Inputs, inputs_of

FILE = "model.net.npz"
NETWORKS, PASSES = 4, 8
ROWS = 4_096  # scored at once, so that what is hidden stays in the cache


@dataclass(frozen=True)
class Net:
    """inputs: how features become them. usual: float32 [inputs], their means. into float32 [inputs, hidden],
    bias [hidden], leave [hidden], line [inputs], level []. slots: 1 where the last feature is the slot, else 0."""

    inputs: Inputs
    usual: np.ndarray
    into: np.ndarray
    bias: np.ndarray
    leave: np.ndarray
    line: np.ndarray
    level: np.ndarray
    slots: int

    @property
    def width(self) -> int:
        return self.inputs.width - self.slots

    def score(self, matrix: np.ndarray) -> np.ndarray:
        parts = [self._logits(self._taken(matrix[begin : begin + ROWS])) for begin in range(0, len(matrix), ROWS)]
        return np.concatenate([*parts, np.zeros(0, np.float32)])

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """By DeepLIFT's rescale rule (Shrikumar et al., 2017), from the usual inputs to the row's; what the fixed slot
        adds counts to the last."""
        parts = [self._parts(self._taken(matrix[begin : begin + ROWS])) for begin in range(0, len(matrix), ROWS)]
        found = np.concatenate([*parts, np.zeros((0, self.inputs.width + 1), np.float32)])
        found[:, self.width] = found[:, self.width :].sum(axis=1)
        return found[:, : self.width + 1]

    def _logits(self, taken: np.ndarray) -> np.ndarray:
        return np.maximum(taken @ self.into + self.bias, 0) @ self.leave + taken @ self.line + self.level

    def _parts(self, taken: np.ndarray) -> np.ndarray:
        begin, end = self.usual @ self.into + self.bias, taken @ self.into + self.bias
        way = end - begin
        bent = np.maximum(end, 0) - np.maximum(begin, 0)
        slope = np.where(np.abs(way) > 1e-6, bent / np.where(way == 0, 1, way), begin > 0)
        each = (taken - self.usual) * ((slope * self.leave) @ self.into.T + self.line)
        level = np.full(len(taken), self._logits(self.usual[None])[0], np.float32)
        return np.column_stack([self.inputs.by_feature(each), level]).astype(np.float32)

    def _taken(self, matrix: np.ndarray) -> np.ndarray:
        slot = np.full((len(matrix), self.slots), FIRST_SLOT, np.float32)
        return self.inputs.of(np.hstack([matrix, slot]))

    def save(self, folder: Path) -> None:
        own = {name: value for name, value in vars(self).items() if name != "inputs"}
        np.savez(folder / FILE, **own, **vars(self.inputs))

    @classmethod
    def load(cls, folder: Path) -> Self:
        with np.load(folder / FILE, allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files}
        inputs = Inputs(**{name: arrays.pop(name) for name in Inputs.__dataclass_fields__})
        return cls(inputs, **arrays | {"slots": int(arrays["slots"])})


load = Net.load


def fit(examples: Examples, parameters: Mapping[str, object] | None = None) -> Net:
    """parameters: `networks`, how many are averaged, and `passes` over the rows. Weights do not count: they would move
    the chance away from what comes."""
    given = dict(parameters or {})
    matrix, names = examples.with_slot()
    inputs = inputs_of(matrix, names)
    rows, labels = inputs.of(matrix), np.asarray(examples.labels, np.float32)
    passes, networks = int(given.get("passes", PASSES)), int(given.get("networks", NETWORKS))
    found = [taught(rows, labels, passes, seed) for seed in range(networks)]
    into, bias, leave, line, level = (list(layer) for layer in zip(*found, strict=True))
    return Net(
        inputs, rows.mean(axis=0), np.hstack(into), np.hstack(bias), np.hstack(leave) / np.float32(networks),
        np.mean(line, axis=0), np.mean(level, axis=0)[0], len(names) - len(examples.features),
    )  # fmt: skip
