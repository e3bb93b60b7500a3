"""The two-tower network (Covington et al., 2016; Yi et al., 2019): a vector of who asks times a vector of the item.

One tower takes what is known of the user and the moment, the other what is known of the item; the score is the product
of what they say, plus a linear part for what ties a user to an item, which neither tower can see. Fitted by PyTorch on
the CPU, and scored by numpy, so that a service needs no PyTorch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from models.fitting import held_out
from models.rankers.examples import FIRST_SLOT, Examples
from models.rankers.logistic import logs, middle_and_spread
from models.retrieval.source import StepsAside

FILE = "model.towers.npz"
OF_ITEMS = ("item_", "creator_", "topic_", "surface_item_")
OF_USERS = ("user_", "hour", "weekday", "surface_code")
TIES = ("user_topic_share", "user_creator_share")  # of a user with an item, by whatever name
ROUNDS, ETA = 30, 0.002


@dataclass(frozen=True)
class TwoTower:
    """arrays by name, float32: middle and spread of each input [width]; user and item: which inputs each tower takes,
    places; `<tower>_<layer>_weight` and `_bias`; linear_weight [2 * width], linear_bias [1]; slot [1], what the
    first slot adds. Each input comes with whether it is missing."""

    arrays: dict[str, np.ndarray]

    @property
    def width(self) -> int:
        return len(self.arrays["middle"])

    def score(self, matrix: np.ndarray) -> np.ndarray:
        inputs = _inputs(matrix, self.arrays["middle"], self.arrays["spread"])
        towers = [self._tower(inputs[:, self.arrays[name]], name) for name in ("user", "item")]
        linear = inputs @ self.arrays["linear_weight"] + self.arrays["linear_bias"]
        return ((towers[0] * towers[1]).sum(axis=1) + linear + self.arrays["slot"]).astype(np.float32)

    def _tower(self, inputs: np.ndarray, name: str) -> np.ndarray:
        layers = [(self.arrays[f"{name}_{layer}_weight"], self.arrays[f"{name}_{layer}_bias"]) for layer in (0, 2)]
        hidden = np.maximum(inputs @ layers[0][0].T + layers[0][1], 0)
        return hidden @ layers[1][0].T + layers[1][1]

    def contributions(self, matrix: np.ndarray) -> None:
        """A product of vectors has no parts that belong to one feature each."""
        return None

    def save(self, folder: Path) -> None:
        np.savez(folder / FILE, **self.arrays)

    @classmethod
    def load(cls, folder: Path) -> Self:
        with np.load(folder / FILE, allow_pickle=False) as found:
            return cls({name: found[name] for name in found.files})


load = TwoTower.load


def fit(examples: Examples, parameters: Mapping[str, object] | None = None) -> TwoTower:
    """Stopped when the log loss of the later slice no longer falls. parameters: `rounds`, over all rows, and `eta`.

    StepsAside where PyTorch is not installed, or no feature is a user's or none an item's.
    """
    try:
        import torch
    except ImportError:
        raise StepsAside("two_tower needs PyTorch: install the extra with `pip install torch==2.13.0`") from None
    from models.rankers.two_tower_fitting import fitted

    given = dict(parameters or {})
    takes = {"user": _places(examples.features, _is_users), "item": _places(examples.features, _is_items)}
    if lacking := [name for name, places in takes.items() if not len(places)]:
        raise StepsAside(f"two_tower needs features of users and of items, found none of {' and '.join(lacking)}s")
    torch.set_num_threads(1)
    known = ~np.isnan(examples.matrix)
    middle, spread = middle_and_spread(logs(examples.matrix), known)
    inputs = _inputs(examples.matrix, middle, spread)
    slots = np.nan_to_num(_slots(examples), nan=FIRST_SLOT).astype(np.float32)
    trained = fitted(
        inputs, takes, slots, examples.labels.astype(np.float32), examples.weights, held_out(examples.times),
        rounds=int(given.get("rounds", ROUNDS)), eta=float(given.get("eta", ETA)),
    )  # fmt: skip
    arrays = {"middle": middle.astype(np.float32), "spread": spread.astype(np.float32)} | takes | trained
    return TwoTower(arrays)


def _slots(examples: Examples) -> np.ndarray:
    return np.full(len(examples), FIRST_SLOT) if examples.positions is None else examples.positions


def _is_users(name: str) -> bool:
    return name.startswith(OF_USERS) and name not in TIES


def _is_items(name: str) -> bool:
    return name.startswith(OF_ITEMS)


def _places(features: Sequence[str], belongs) -> np.ndarray:
    """Columns of a tower: those of its features, and of whether each is missing."""
    own = np.array([place for place, name in enumerate(features) if belongs(name)], np.int64)
    return np.concatenate([own, own + len(features)])


def _inputs(matrix: np.ndarray, middle: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """float32 [rows, 2 * width]: each feature on an even scale, 0 where missing, then 1 where it is missing."""
    gone = np.isnan(matrix)
    even = np.where(gone, 0, (logs(matrix) - middle) / spread)
    return np.hstack([np.clip(even, -5, 5), gone]).astype(np.float32)
