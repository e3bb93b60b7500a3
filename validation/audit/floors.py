"""Which positions must have been applied when a request was answered: how a lost key is told from a quiet one.

A key that has lost its value reads as one that was never seen, and recomputed at its recorded positions, none, it would
agree. So the audit asks what the key must have held. Batches of a shard follow each other: once some key shows a later
one, every earlier one has been applied to every key. What requests have read of a shard thus proves a floor for those
that come after. A key never touched at all must besides hold what happened long enough before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from streamrank.events.shards import NEVER, SHARDS
from validation.audit.served import APPLIED, Chosen, Piece, instants, positions


@dataclass(frozen=True)
class Floors:
    """asked_us: int64 [requests], ascending. proven: int64 [requests, SHARDS], applied everywhere once one of that
    instant had been answered. settle_us: how long a request may take. grace_us: after which an event must be seen."""

    asked_us: np.ndarray
    proven: np.ndarray
    settle_us: int
    grace_us: int

    def at(self, as_of_us: np.ndarray, applied: np.ndarray) -> np.ndarray:
        """int64 [n, SHARDS]: up to where rows read with `applied` at these instants must have been applied, at least
        what they were."""
        place = np.searchsorted(self.asked_us, as_of_us - self.settle_us, side="right")
        floor = np.maximum(np.vstack([np.full((1, SHARDS), NEVER), self.proven])[place], applied)
        untouched = (applied == NEVER).all(axis=1)
        floor[untouched] = np.maximum(floor[untouched], (as_of_us[untouched] - self.grace_us)[:, None])
        return floor


def floors(pieces: Sequence[Piece], chosen: Chosen, settle_us: int, grace_us: int) -> Floors:
    """What the chosen requests prove of each other."""
    found = [_seen(piece, chosen) for piece in pieces if piece.applied()]
    asked_us = np.concatenate([np.zeros(0, np.int64), *(asked for asked, _ in found)])
    seen = np.concatenate([np.zeros((0, SHARDS), np.int64), *(applied for _, applied in found)])
    order = np.argsort(asked_us, kind="stable")
    return Floors(asked_us[order], proven(seen[order]), settle_us, grace_us)


def proven(seen: np.ndarray) -> np.ndarray:
    """int64 [requests, SHARDS] of the greatest positions seen by each request, in order: in each shard the greatest one
    so far, before the one that is the greatest now."""
    if not len(seen):
        return seen
    greatest = np.maximum.accumulate(seen, axis=0)
    rises = np.zeros(seen.shape, np.int64)
    rises[1:] = np.where(np.diff(greatest, axis=0) > 0, np.arange(1, len(seen))[:, None], 0)
    last = np.maximum.accumulate(rises, axis=0)
    before = np.take_along_axis(greatest, np.maximum(last - 1, 0), axis=0)
    return np.where(last > 0, before, NEVER)


def _seen(piece: Piece, chosen: Chosen) -> tuple[np.ndarray, np.ndarray]:
    """By request: its instant, and the greatest position that any of its rows shows of each shard."""
    rows = piece.read(chosen, ["request_id", "as_of", *piece.applied()])
    if not len(rows):
        return np.zeros(0, np.int64), np.zeros((0, SHARDS), np.int64)
    labels = [name.removesuffix(APPLIED) for name in piece.applied()]
    greatest = np.maximum.reduce([positions(rows, label) for label in labels])
    codes = np.asarray(rows["request_id"].combine_chunks().dictionary_encode().indices)
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    return instants(rows)[order][starts], np.maximum.reduceat(greatest[order], starts, axis=0)


def lists(applied: np.ndarray) -> pa.Array:
    """[n, SHARDS] as a column of lists."""
    offsets = np.arange(len(applied) + 1, dtype=np.int32) * SHARDS
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(applied.reshape(-1)))
