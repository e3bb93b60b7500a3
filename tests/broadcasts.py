"""Visits to live broadcasts as the public logs of live streaming have them: user, streamer, and a step of ten minutes.

Streamers are on air at their hours on some days; users come at theirs, mostly to the few they follow, again and
again.
"""

import numpy as np
import pyarrow as pa

STEPS_A_DAY = 144
FAVOURITES = 8


def broadcasts(users: int, streamers: int, visits: int, days: int = 43, seed: int = 1) -> pa.Table:
    """user_id, item_id and event_time (small integers), ordered by time; about `visits` rows."""
    random = np.random.default_rng(seed)
    schedule = _Schedule(streamers, random)
    popular = _shares(streamers, 1.1)
    favourites = random.choice(streamers, (users, FAVOURITES), p=popular)
    user = random.choice(users, visits, p=_shares(users, 0.6))
    day, hour = random.integers(0, days, visits), random.integers(0, STEPS_A_DAY, users)
    time = day * STEPS_A_DAY + np.clip(hour[user] + random.normal(0, 8, visits).astype(np.int64), 0, STEPS_A_DAY - 1)
    draws = np.column_stack([
        favourites[user[:, None], random.integers(0, FAVOURITES, (visits, 4))],
        random.choice(streamers, (visits, 6), p=popular),
    ])  # fmt: skip
    open_ = np.column_stack([schedule.on_air(draws[:, turn], time) for turn in range(draws.shape[1])])
    item, there = draws[np.arange(visits), open_.argmax(axis=1)], open_.any(axis=1)
    order = np.lexsort((user, time))
    order = order[there[order]]
    return pa.table({"user_id": user[order], "item_id": item[order], "event_time": time[order]})


class _Schedule:
    def __init__(self, streamers: int, random: np.random.Generator) -> None:
        self._begin = random.integers(0, STEPS_A_DAY, streamers)
        self._length = random.integers(12, 48, streamers)
        self._often = random.uniform(0.2, 1.0, streamers)

    def on_air(self, streamer: np.ndarray, time: np.ndarray) -> np.ndarray:
        """bool [n]: whether each of `streamer` broadcasts at `time`."""
        since = (time - self._begin[streamer]) % STEPS_A_DAY
        day = (time - since) // STEPS_A_DAY
        drawn = ((streamer * 2_654_435_761 + day * 40_503) % 10_007) / 10_007
        return (since < self._length[streamer]) & (drawn < self._often[streamer])


def _shares(things: int, power: float) -> np.ndarray:
    shares = 1.0 / np.arange(1, things + 1) ** power
    return shares / shares.sum()
