"""A data set with two items, and what producers send to the intake on it."""

import time
from pathlib import Path
from uuid import uuid4

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
from platforms import free_port
from running_service import Service
from small_world import World

BENTO = "bentos.events.service:Events"


def place_at(root: Path) -> World:
    """A platform whose data set `tv` has items m and n; ids are strings, the clock is the wall's."""
    from catalog.dataset import DataSet, Manifest
    from catalog.schema import ITEMS

    made = World(
        root,
        {"STREAMRANK_ROOT": str(root), "STREAMRANK_DATASET": "tv", "STREAMRANK_REDIS_PORT": str(free_port())},
    )
    with made.entered():
        data = DataSet.current()
        data.write_manifest(Manifest("tv", "files"))
        rows = [{"item_id": "m", "creator_id": "c", "topics": ["news"]}, {"item_id": "n"}]
        pq.write_table(pa.Table.from_pylist(rows, schema=ITEMS), data.items)
    return made


def now() -> int:
    return time.time_ns() // 1_000


def event(**more) -> dict:
    return {"event_id": uuid4().hex, "event_time": now(), "event_type": "view", "user_id": "u", **more}


def post(service: Service, body) -> httpx.Response:
    return httpx.post(f"{service.url}/events", json=body, timeout=30)


def on_the_bus(place: World) -> dict[str, dict]:
    """event_id -> event of everything on the place's bus."""
    from catalog.bus import open_bus
    from streamrank.events.shards import NEVER, SHARDS

    with place.entered():
        found = open_bus().read(dict.fromkeys(range(SHARDS), NEVER), 1_000_000)
    return {each["event_id"]: each for part in found.values() for each in part.to_pylist()}
