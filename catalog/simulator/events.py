"""Simulated events as numbers, a structured array, until they are told as the neutral layout has them."""

from dataclasses import dataclass

import numpy as np

from catalog.schema import EVENT_TYPES

KIND = {name: code for code, name in enumerate(EVENT_TYPES)}
NONE = -1
ROW = np.dtype([
    ("time", np.int64), ("arrival", np.int64), ("number", np.int64), ("visit", np.int64), ("answered", np.int64),
    ("watch_ms", np.int64), ("user", np.int32), ("item", np.int32), ("slot", np.int16), ("kind", np.int8),
    ("surface", np.int8), ("phase", np.int8),
])  # fmt: skip


@dataclass(frozen=True)
class Events:
    """rows: ROW [n]. time: us when it happened; arrival: when it is published. number: what its id is made of.

    visit: number of the visit, whose id the request has. answered: number of the impression that led to it. item: place
    in `Items`. phase: of an item event, which attributes it tells. NONE where there is no such thing.
    """

    rows: np.ndarray

    @classmethod
    def none(cls) -> "Events":
        return cls(np.zeros(0, ROW))

    @classmethod
    def of(cls, *parts: "Events") -> "Events":
        return cls(np.concatenate([part.rows for part in parts]))

    def __len__(self) -> int:
        return len(self.rows)

    def arriving(self) -> "Events":
        """In the order of arrival; ties by number, so that the order is always the same."""
        return Events(self.rows[np.lexsort((self.rows["number"], self.rows["arrival"]))])


def events(
    kind: int, times: np.ndarray, users: np.ndarray | int, items: np.ndarray, numbers: np.ndarray,
    **more: np.ndarray | int | None,
) -> Events:  # fmt: skip
    """Events of one kind that arrive when they happen; `more` by the names of ROW."""
    rows = np.zeros(len(times), ROW)
    rows["time"] = rows["arrival"] = times
    rows["kind"], rows["user"], rows["item"], rows["number"] = kind, users, items, numbers
    for name in ("visit", "answered", "watch_ms", "slot", "surface", "phase"):
        given = more.get(name)
        rows[name] = NONE if given is None else given
    return Events(rows)
