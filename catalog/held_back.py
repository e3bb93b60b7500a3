"""The last days of a source, kept out of the log so that they can be published as if they happened now."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from catalog.source import Source
from streamrank.clock import DAY


def held_back_of(source: Source, days: int) -> Source:
    """`source` under a fingerprint of its own where days are held back: loaded without, it is another content."""
    if not days:
        return source
    return replace(source, fingerprint=hashlib.sha256(f"{source.fingerprint}-{days}".encode()).hexdigest())


def keep_back(events: pa.Table, days: int, path: Path) -> pa.Table:
    """The events but those within `days` of the last, which go to the Parquet file `path` in order, without arrival."""
    if not days or not len(events):
        return events
    times = events["event_time"].cast(pa.int64())
    late = pc.greater(times, pc.max(times).as_py() - days * DAY)
    held = events.filter(late).drop_columns(["arrived_at"]).sort_by("event_time")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    pq.write_table(held, partial)
    os.replace(partial, path)
    return events.filter(pc.invert(late))
