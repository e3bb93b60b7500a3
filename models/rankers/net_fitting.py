"""How a small network is taught whether rows were wanted: batch by batch, downhill on the log loss."""

import numpy as np

from models.retrieval.adam import Adam

HIDDEN = 64
RATE = 1e-3
ASLEEP, UNTOLD = np.float32(0.4), np.float32(0.1)
"""Of the hidden units and of the inputs, while it learns (dropout: Srivastava et al., 2014)."""
BATCH, SMALL, MANY = 512, 32, 80  # rows of a batch; at least; batches of a pass where there are few rows
Layers = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""into [inputs, HIDDEN], bias [HIDDEN], leave [HIDDEN], line [inputs], level [1], all float32."""


def taught(rows: np.ndarray, labels: np.ndarray, passes: int, seed: int) -> Layers:
    """rows: float32 [rows, inputs]. labels: float32 [rows], 0 or 1. The same input gives the same layers."""
    random, size = np.random.default_rng(seed), int(np.clip(len(rows) // MANY, SMALL, BATCH))
    layers = _begun(rows.shape[1], float(labels.mean()), random)
    adam = Adam(layers, RATE)
    for _ in range(passes):
        order = random.permutation(len(rows))
        for begin in range(0, len(order), size):
            batch = order[begin : begin + size]
            adam.step(_slopes(layers, rows[batch], labels[batch], random))
    return layers


def _begun(width: int, usual: float, random: np.random.Generator) -> Layers:
    """A hidden layer of chance around what is usual."""
    chance = min(max(usual, 1e-6), 1 - 1e-6)
    into, leave = random.standard_normal((width, HIDDEN), np.float32), random.standard_normal(HIDDEN, np.float32)
    level = np.full(1, np.log(chance / (1 - chance)), np.float32)
    return (
        into * np.float32(np.sqrt(1 / width)), np.zeros(HIDDEN, np.float32), leave * np.float32(np.sqrt(1 / HIDDEN)),
        np.zeros(width, np.float32), level,
    )  # fmt: skip


def _slopes(layers: Layers, rows: np.ndarray, labels: np.ndarray, random: np.random.Generator) -> Layers:
    """Of the mean log loss of a batch, by layer."""
    into, bias, leave, line, level = layers
    told = rows * _awake(rows.shape, UNTOLD, random)
    awake = _awake((len(rows), HIDDEN), ASLEEP, random)
    hidden = np.maximum(told @ into + bias, 0) * awake
    logits = hidden @ leave + rows @ line + level
    error = (1 / (1 + np.exp(-logits)) - labels) / np.float32(len(rows))
    back = error[:, None] * leave * awake * (hidden > 0)
    return told.T @ back, back.sum(axis=0), error @ hidden, error @ rows, error.sum(keepdims=True)


def _awake(shape: tuple[int, int], share: np.float32, random: np.random.Generator) -> np.ndarray:
    """1 / (1 - share), and 0 in a share of places."""
    return (random.random(shape, np.float32) >= share) / (1 - share)
