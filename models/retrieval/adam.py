"""Steps downhill for small networks, in place (Kingma and Ba 2015, "Adam")."""

from collections.abc import Sequence

import numpy as np

FADE, FADE_SQUARED, CLOSE = np.float32(0.9), np.float32(0.999), np.float32(1e-8)


class Adam:
    """layers: float32 arrays, which every step changes. rate: of a step.

    steady: how much of the mean over steps stays at each (Polyak and Juditsky 1992), None without a mean. On few users
    the mean of the last some hundred steps does better than any one of them.
    """

    def __init__(self, layers: Sequence[np.ndarray], rate: float, steady: float | None = None) -> None:
        self.layers, self._rate, self._steady, self._steps = layers, rate, steady, 0
        self._means, self._squares = ([np.zeros_like(layer) for layer in layers] for _ in range(2))
        self.mean = tuple(layer.copy() for layer in layers) if steady is not None else tuple(layers)

    def step(self, slopes: Sequence[np.ndarray]) -> None:
        """slopes: of what is lost, by layer, float32; they are used up."""
        self._steps += 1
        lifted = np.sqrt(1 - float(FADE_SQUARED) ** self._steps) / (1 - float(FADE) ** self._steps)
        rate = np.float32(self._rate * lifted)
        for layer, mean, square, slope in zip(self.layers, self._means, self._squares, slopes, strict=True):
            mean += (1 - FADE) * (slope - mean)
            slope *= slope
            slope -= square
            square += (1 - FADE_SQUARED) * slope
            layer -= rate * mean / (np.sqrt(square) + CLOSE)
        if self._steady is not None:
            new = np.float32(max(1 - self._steady, 1 / self._steps))
            for mean, layer in zip(self.mean, self.layers, strict=True):
                mean += new * (layer - mean)
