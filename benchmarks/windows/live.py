"""Busy items for the windowed read, every tile of every window filled, on a server: as ours keeps them, and raw."""

import json
from pathlib import Path

import duckdb
import numpy as np
import redis

from benchmarks.windows import world
from streamrank import clock

ITEMS_A_REQUEST, REQUESTS, SHARDS_USED = 2, 50, 16
AGES_S = (*range(1, 720, 30), *range(720, 4_200, 120), *range(4_200, 93_600, 900))  # of each item's events
MICROSECONDS = [
    (int(window.total_seconds()) * 10**6, int(slide.total_seconds()) * 10**6) for window, slide in world.WINDOWS
]


def write(folder: str, items: int) -> dict:
    """Writes `live.parquet`, the events of twice as many items as a request has, and the present instant."""
    into, now, count = Path(folder), clock.now_us(), items * ITEMS_A_REQUEST
    into.mkdir(parents=True, exist_ok=True)
    ages = f"unnest([{', '.join(map(str, AGES_S))}])"
    moment = f"{now} - age::bigint * 1000000 - (hash(item_id, age) % 900000)::bigint"
    with duckdb.connect() as con:
        con.execute("set timezone='UTC'")
        con.execute(
            f"copy (select make_timestamptz(p - (hash(p) % 90000)::bigint) event_time, p log_position, item_id, "
            f"(hash(item_id, 'shard', age) % {SHARDS_USED})::int shard, 1::bigint views, "
            f"(hash(p, 'like') % 3)::bigint likes, (hash(p, 'watch') % 300000)::bigint watch_ms, "
            f"(hash(p, 'share') % 5 = 0)::bigint shares from (select *, {moment} as p from "
            f"(select i as item_id, {ages} as age from range({count}) r(i)))) to '{into}/live.parquet'"
        )
    (into / "now.json").write_text(json.dumps(now))
    return {"items": items, "keys": count, "events": count * len(AGES_S), "features": len(world.names())}


def present(folder: Path) -> clock.VirtualClock:
    """A clock that stands at the instant at which all sides read."""
    return clock.VirtualClock(json.loads((folder / "now.json").read_text()))


def requests(items: int) -> np.ndarray:
    """int64 [REQUESTS, items], the items of each request, at random."""
    random = np.random.default_rng(1)
    return np.stack([random.permutation(items * ITEMS_A_REQUEST)[:items] for _ in range(REQUESTS)])


def fill(folder: str, port: int) -> dict:
    """Ours: the events reduced and merged by the engine into a generation that is read."""
    from benchmarks.stores import feature_store
    from streamrank.stores.packing.keys import generation_prefix, pointer_key
    from streamrank.windows.deltas import deltas
    from streamrank.windows.merging import merge
    from streamrank.windows.spec import event_rows, windowed_views

    place = Path(folder)
    store = feature_store("ours", place, port)
    store.apply(world.definitions(place))
    (view,) = windowed_views(store)
    with duckdb.connect() as con:
        rows = event_rows(con, view, f"read_parquet('{place}/live.parquet')")
    last = int(rows["log_position"].to_numpy().max())
    ends = dict.fromkeys(range(SHARDS_USED), last)
    generation = f"{view.fingerprint}-1".encode()
    connection = store._get_provider().online_store.connection(store.config)
    found = deltas(view, rows, dict.fromkeys(range(SHARDS_USED), 1), ends)
    merged = merge(connection, generation_prefix(store.project, view.name, generation), view, found, expires=False)
    client = redis.Redis(port=port)
    client.set(pointer_key(store.project, view.name, view.fingerprint), generation)
    key = next(client.scan_iter(match=b"*!" + generation + b":*"))
    assert merged.merged > 0
    return {"bytes_a_key": client.strlen(key)}


def fill_raw(folder: str, port: int) -> dict:
    """The limit: of each item its sums by tile, int64 [tiles of all windows, columns], the newest tile first."""
    now = present(Path(folder)).now_us()
    parts = [_tiles(folder, now, *window) for window in MICROSECONDS]
    values = np.concatenate(parts, axis=1)
    redis.Redis(port=port).mset({raw_key(item): value.tobytes() for item, value in enumerate(values)})
    return {"bytes_a_key": values[0].nbytes}


def raw_key(item: int) -> bytes:
    return b"raw:%d" % item


def _tiles(folder: str, now_us: int, window_us: int, slide_us: int) -> np.ndarray:
    """int64 [items, slides + 1, columns]."""
    sums = ", ".join(f"sum({column})::bigint" for column in world.COLUMNS)
    age = f"{now_us // slide_us} - epoch_us(event_time) // {slide_us}"
    with duckdb.connect() as con:
        found = np.array(con.execute(
            f"select item_id, {age} as back, {sums} from '{folder}/live.parquet' "
            f"where back <= {window_us // slide_us} group by all"
        ).fetchall(), np.int64)  # fmt: skip
        ((items,),) = con.execute(f"select max(item_id) + 1 from '{folder}/live.parquet'").fetchall()
    tiles = np.zeros((items, window_us // slide_us + 1, len(world.COLUMNS)), np.int64)
    tiles[found[:, 0], found[:, 1]] = found[:, 2:]
    return tiles
