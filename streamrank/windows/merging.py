"""Merging a batch into the stored values of a view, each key in one atomic step on the server."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from streamrank.stores.connection import Connection, wire
from streamrank.windows.deltas import Deltas, deltas
from streamrank.windows.errors import Overflow, TornKey
from streamrank.windows.script import FORMAT, MERGED, MIXED, OVERFLOW, SKIPPED, TORN, script
from streamrank.windows.spec import WindowedView


@dataclass(frozen=True)
class Merged:
    """How many keys were merged, and how many skipped since they held the batch already."""

    merged: int
    skipped: int


def merge(connection: Connection, prefix: bytes, view: WindowedView, deltas: Deltas, expires: bool) -> Merged:
    """Adds a batch to the values below `prefix`; a range of a shard that a key holds already is not added again.

    expires: whether idle keys go after the view's ttl_us by the server's clock; the other views' keys stay. Raises
    TornKey where a key holds a part of a range, and Overflow where a sum or a count would no longer be exact; the other
    keys are merged, these are left as they are.
    """
    verdicts = _merged(connection, prefix, view, deltas, expires)
    _raise(view, deltas, verdicts)
    merged, skipped = int((verdicts == MERGED).sum()), int((verdicts == SKIPPED).sum())
    for part in _by_shard(view, deltas, verdicts == MIXED):
        own = merge(connection, prefix, view, part, expires)
        merged, skipped = merged + own.merged, skipped + own.skipped
    return Merged(merged, skipped)


def _merged(
    connection: Connection, prefix: bytes, view: WindowedView, deltas: Deltas, expires: bool
) -> np.ndarray:  # fmt: skip
    if not len(deltas.keys):
        return np.zeros(0, np.uint8)
    keys = wire.glue(prefix, deltas.keys)
    after = (b"%d" % max(1, view.ttl_us // 1_000),) if expires and view.ttl_us else ()
    answers = connection.run_script(script(view.rings, view.lifetime), keys, deltas.blobs, after)
    return np.frombuffer(b"".join(answers), np.uint8)


def _raise(view: WindowedView, deltas: Deltas, verdicts: np.ndarray) -> None:
    causes = {
        TORN: (TornKey, "a part of the batch is in it already; rebuild the view"),
        OVERFLOW: (Overflow, "a sum or count would go beyond what is exact; give the column a coarser scale"),
        FORMAT: (TornKey, "it was written in another format; rebuild the view"),
    }
    for verdict, (error, what) in causes.items():
        found = np.flatnonzero(verdicts == verdict)
        if len(found):
            key = deltas.keys[int(found[0])].as_py()
            raise error(f"view {view.name!r}, key {key!r} (and {len(found) - 1} others): {what}")


def _by_shard(view: WindowedView, whole: Deltas, chosen: np.ndarray) -> Iterator[Deltas]:
    """The batch of the chosen keys again, shard by shard."""
    if not chosen.any():
        return
    wanted = whole.keys.filter(pa.array(chosen))
    shards = whole.rows["shard"].to_numpy()
    for shard in np.unique(shards):
        part = deltas(view, whole.rows.filter(pa.array(shards == shard)), whole.firsts, whole.lasts)
        own = pa.compute.is_in(part.keys, wanted)
        yield Deltas(part.keys.filter(own), part.blobs.filter(own), part.rows, whole.firsts, whole.lasts)
