"""How the two-tower network is fitted: by PyTorch, which only this file needs."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from models.rankers.examples import FIRST_SLOT

HIDDEN, FACTORS = 64, 32
PATIENCE, SEED, DECAY = 3, 7, 1e-5
STEPS, SMALLEST, LARGEST = 50, 64, 2_048  # of a round, and rows of a step


class Towers(nn.Module):
    """takes: tower -> the inputs it takes."""

    def __init__(self, width: int, takes: Mapping[str, np.ndarray]) -> None:
        super().__init__()
        self.takes = {name: torch.from_numpy(places) for name, places in takes.items()}
        self.towers = nn.ModuleDict({
            name: nn.Sequential(nn.Linear(len(places), HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, FACTORS))
            for name, places in takes.items()
        })  # fmt: skip
        self.linear, self.position = nn.Linear(width, 1), nn.Linear(1, 1, bias=False)

    def forward(self, inputs: torch.Tensor, slots: torch.Tensor) -> torch.Tensor:
        user, item = (self.towers[name](inputs[:, self.takes[name]]) for name in ("user", "item"))
        biases = self.linear(inputs)[:, 0] + self.position(torch.log1p(slots)[:, None])[:, 0]
        return (user * item).sum(dim=1) + biases


def fitted(
    inputs: np.ndarray, takes: Mapping[str, np.ndarray], slots: np.ndarray, labels: np.ndarray,
    weights: np.ndarray | None, late: np.ndarray, rounds: int, eta: float,
) -> dict[str, np.ndarray]:  # fmt: skip
    """The arrays of `TwoTower` that are learned, as of the round that was best on the rows that are `late`."""
    torch.manual_seed(SEED)
    model = Towers(inputs.shape[1], takes)
    optimizer = torch.optim.Adam(model.parameters(), lr=eta, weight_decay=DECAY)
    columns = [inputs, slots, labels, np.ones(len(labels)) if weights is None else weights]
    rows = [torch.from_numpy(np.asarray(column, np.float32)) for column in columns]
    early, later = torch.from_numpy(np.flatnonzero(~late)), torch.from_numpy(np.flatnonzero(late))
    best, kept, waited = math.inf, _arrays(model), 0
    for _ in range(rounds):
        _round(model, optimizer, rows, early)
        with torch.no_grad():
            loss = float(_loss(model, rows, later if len(later) else early))
        best, kept, waited = (loss, _arrays(model), 0) if loss < best else (best, kept, waited + 1)
        if waited >= PATIENCE:
            break
    return kept


def _round(model: Towers, optimizer: torch.optim.Optimizer, rows: list[torch.Tensor], early: torch.Tensor) -> None:
    size = min(max(len(early) // STEPS, SMALLEST), LARGEST)
    for batch in torch.split(early[torch.randperm(len(early))], size):
        optimizer.zero_grad()
        _loss(model, rows, batch).backward()
        optimizer.step()


def _loss(model: Towers, rows: list[torch.Tensor], batch: torch.Tensor) -> torch.Tensor:
    inputs, slots, labels, weights = (column[batch] for column in rows)
    return nn.functional.binary_cross_entropy_with_logits(model(inputs, slots), labels, weights)


def _arrays(model: Towers) -> dict[str, np.ndarray]:
    found = {name.replace("towers.", "").replace(".", "_"): value for name, value in model.state_dict().items()}
    arrays = {name: value.numpy().copy() for name, value in found.items()}
    arrays["slot"] = arrays.pop("position_weight")[0] * np.float32(math.log1p(FIRST_SLOT))
    arrays["linear_weight"] = arrays["linear_weight"][0]
    return arrays
