"""What users did, by the views of feature_repo/history.py written down a second time, in plain Python."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from catalog.dataset import DataSet
from streamrank.events.log import EventLog

ACTED = ("view", "click", "like", "rating", "session")


def acts_of(data: DataSet, view: str) -> dict[str, list[dict]]:
    """By user the acts of a view, in plain Python, oldest first."""
    log = pa.concat_tables(
        (pq.read_table(file, partitioning=None) for file in EventLog(data.events).files()),
        promote_options="permissive",
    )
    times = log["event_time"].cast(pa.int64())
    found: dict[str, list[dict]] = {}
    for event in sorted(log.append_column("us", times).to_pylist(), key=lambda event: event["log_position"]):
        act = MADE_OF[view](event)
        if event["user_id"] and act:
            times = {"position": event["log_position"], "time": min(event["us"], event["log_position"])}
            found.setdefault(event["user_id"], []).append(act | times)
    return found


def recent(event: dict) -> dict | None:
    if event["event_type"] not in ACTED or event["item_id"] is None:
        return None
    watched, rated = share(event), event["value"] if event["event_type"] in ("view", "rating") else None
    plain = {"like": 2.0, "click": 0.5}.get(event["event_type"], 1.0)
    weight = plain if rated is None else max(rated, 0) / 3
    return {
        "recent_items": event["item_id"], "recent_times": min(event["us"], event["log_position"]),
        "recent_weights": single(weight if watched is None else 0.25 + 1.75 * watched),
        "recent_watched": single(watched), "recent_ratings": single(rated if rated is None else max(rated, 0)),
    }  # fmt: skip


def share(event: dict) -> float | None:
    if event["event_type"] != "view" or not event["duration_ms"] or event["watch_ms"] is None:
        return None
    return min(event["watch_ms"], event["duration_ms"]) / event["duration_ms"]


def hidden(event: dict) -> dict | None:
    hides = event["event_type"] == "hide" and event["item_id"] is not None
    return {"hidden_items": event["item_id"]} if hides else None


def follows(event: dict) -> dict | None:
    follow = event["event_type"] == "follow" and event["creator_id"] is not None
    return {"followed_creators": event["creator_id"]} if follow else None


MADE_OF = {"user_recent": recent, "user_hidden": hidden, "user_follows": follows}


def single(number: float | None) -> float:
    return float(np.float32(np.nan if number is None else number))
