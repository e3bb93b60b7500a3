"""Attributes of items that were seen lately, in memory: key -> the values that lead to other keys."""

from collections.abc import Mapping, Sequence
from itertools import repeat
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa

UNKNOWN_US = 2_000_000  # for which a key that was not in the store is held: a materialization may be under way


class Held:
    """Values by key, as they were read, each for `age_us`; safe to share between threads.

    Keys that are not in the store are held as well, for UNKNOWN_US at most. At most `most` keys are held, plus those of
    one request: when there are more, all are forgotten and come back as they are asked for.
    """

    def __init__(self, types: Mapping[str, pa.DataType], ttl_us: int, age_us: int, most: int) -> None:
        """types: feature -> Arrow type of what it leads to. ttl_us: of the view, 0 for none."""
        self._types, self._ttl_us, self._age_us, self._most = dict(types), ttl_us, age_us, most
        self._lock = Lock()
        self._forget()

    def __len__(self) -> int:
        return len(self._places)

    def find(
        self, keys: Sequence[Any], now_us: int, ahead: bool = False
    ) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        """What is held of `keys` [n], each hashable, at `now_us`.

        Returns the values by feature, objects [n]; their event times, int64 us [n]; and the places [m] of the keys that
        must be read, since they are unknown or were read too long ago; `ahead`: half as long.
        """
        age_us = self._age_us // 2 if ahead else self._age_us
        with self._lock:
            places = np.fromiter(map(self._places.get, keys, repeat(-1)), np.int64, len(keys))
            stale = (places < 0) | (np.abs(now_us - self._read_us[places]) > age_us)
            values = {name: column[places] for name, column in self._values.items()}
            return values, self._event_us[places], np.flatnonzero(stale)

    def learn(
        self,
        keys: Sequence[Any],
        values: Mapping[str, np.ndarray],
        event_us: np.ndarray,
        found: np.ndarray,
        now_us: int,
    ) -> None:
        """Holds what was read at `now_us`: objects [n] by feature, None where missing, event times [n], and which were
        found, bool [n]."""
        read_us = np.where(found, now_us, now_us - max(self._age_us - UNKNOWN_US, 0))
        with self._lock:
            if len(self._places) + len(keys) > self._most:
                self._forget()
            places = np.fromiter(map(self._place, keys), np.int64, len(keys))
            self._reserve(len(self._places))
            self._read_us[places], self._event_us[places] = read_us, event_us
            for name, column in self._values.items():
                column[places] = values[name]

    def column(self, name: str, values: np.ndarray, event_us: np.ndarray, at_us: int) -> pa.Array:
        """The keys that values [n] lead to at `at_us`, null where they had expired by then."""
        expired = at_us - event_us > self._ttl_us if self._ttl_us else None
        return pa.array(values, self._types[name], mask=expired)

    def _place(self, key: Any) -> int:
        return self._places.setdefault(key, len(self._places))

    def _reserve(self, keys: int) -> None:
        """Room for this many keys, and one more, which is what place -1 reads."""
        more = max(keys + 1, 2 * len(self._read_us)) - len(self._read_us)
        if keys + 1 > len(self._read_us):
            self._read_us = np.concatenate([self._read_us, np.zeros(more, np.int64)])
            self._event_us = np.concatenate([self._event_us, np.zeros(more, np.int64)])
            self._values = {
                name: np.concatenate([column, np.full(more, None, object)]) for name, column in self._values.items()
            }

    def _forget(self) -> None:
        self._places: dict[Any, int] = {}
        self._read_us, self._event_us = np.zeros(1, np.int64), np.zeros(1, np.int64)
        self._values = {name: np.full(1, None, object) for name in self._types}
