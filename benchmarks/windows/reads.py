"""The sides of the windowed read: each measures its calls, then writes answers, float32 [request, item, feature]."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import redis

from benchmarks.spent import latencies
from benchmarks.windows import live, world
from streamrank import clock


def reader(folder: str, port: int, items: int, times: int, answers: str) -> dict:
    """Ours: `OnlineReader.read`, up to the float32 matrix, finished at the request's instant."""
    from benchmarks.stores import feature_store
    from streamrank.stores.reader import OnlineReader

    place, asked = Path(folder), live.requests(items)
    with clock.use(live.present(place)):
        features = OnlineReader(feature_store("ours", place, port), [f"{world.VIEW}:{name}" for name in world.names()])
        assert list(features.names) == world.names()

        def read(i: int) -> np.ndarray:
            return features.read({"item_id": asked[i % live.REQUESTS]}).matrix

        return _measured(read, times, answers)


def mget(folder: str, port: int, items: int, times: int, answers: str) -> dict:
    """The practical limit: one MGET of dense tiles and three sums in numpy."""
    client = redis.Redis(port=port)
    wanted = [[live.raw_key(item) for item in request] for request in live.requests(items)]
    lengths = [window // slide + 1 for window, slide in live.MICROSECONDS]
    starts = np.cumsum([0, *lengths])

    def read(i: int) -> np.ndarray:
        packed = np.frombuffer(b"".join(client.mget(wanted[i % live.REQUESTS])), np.int64)
        tiles = packed.reshape(items, starts[-1], len(world.COLUMNS))
        sums = np.add.reduceat(tiles, starts[:-1], axis=1)  # [items, windows, columns]
        return sums.transpose(0, 2, 1).reshape(items, -1).astype(np.float64).astype(np.float32)

    return _measured(read, times, answers)


def _measured(read: Callable[[int], np.ndarray], times: int, answers: str) -> dict:
    figures = latencies(read, times)
    np.save(answers, np.stack([read(i) for i in range(live.REQUESTS)]))
    return figures
