"""What is published of sessions, as rows that the bus takes."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.live.pairing import Paired
from catalog.schema import PUBLISHED

_KEPT = ("user_id", "item_id", "creator_id", "topics", "request_id", "device", "surface", "location")


def session_events(paired: Paired) -> tuple[pa.Table, np.ndarray]:
    """A `session_start` for each session that began and a `session` for each that ended (PUBLISHED), by shard and then
    in the order of what made them so; and the shard of each.

    The ids follow from where the session began, so they are the same whoever publishes them, and whenever.
    """
    started = _rows(paired.started, "session_start", paired.started["started_e"])
    closed = _rows(paired.closed, "session", paired.closed["ended_e"])
    lasted = pc.divide(pc.subtract(paired.closed["ended_e"], paired.closed["started_e"]), 1_000)
    for name in ("duration_ms", "watch_ms"):
        closed = closed.set_column(closed.schema.get_field_index(name), PUBLISHED.field(name), lasted)
    shards = np.concatenate([paired.closed["shard"].to_numpy(), paired.started["shard"].to_numpy()])
    order = np.lexsort((np.concatenate([paired.closed_a, paired.started_a]), shards))
    return pa.concat_tables([closed, started]).take(pa.array(order)), shards[order]


def _rows(sessions: pa.Table, kind: str, event_time: pa.ChunkedArray) -> pa.Table:
    shards, begins = (sessions[name].cast(pa.string()) for name in ("shard", "started_p"))
    ids = pc.binary_join_element_wise(shards, begins, "-")
    columns = {name: sessions[name] for name in _KEPT} | {
        "event_id": pc.binary_join_element_wise(kind, ids, "-"),
        "event_type": pa.repeat(kind, len(sessions)),
        "event_time": event_time.cast(PUBLISHED.field("event_time").type),
        "session_id": ids,
    }
    arrays = [
        columns[field.name] if field.name in columns else pa.nulls(len(sessions), field.type) for field in PUBLISHED
    ]
    return pa.table(arrays, schema=PUBLISHED)
