"""The sides of ingest: publishing onto the bus, our worker from there to the tiles, and stock Feast's push."""

import threading
import time
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from benchmarks.ingest import world
from benchmarks.spent import spending
from streamrank import clock
from streamrank.events.log import EventLog
from streamrank.events.redis_streams import RedisStreams
from streamrank.stores.packing.keys import component, entity_keys
from streamrank.stream import generations, metrics
from streamrank.stream.worker import Worker
from streamrank.windows.finishing import finish_columns

PUSHED_AT_A_TIME = 1_000


def publish(folder: str, port: int, events: int, items: int, users: int, views: list[str]) -> dict:
    """Fills the bus; the events stay in the folder, with the positions they got, for the recount.

    The views have their first, empty generation before, so that all events go through the worker.
    """
    bus, seconds = world.bus_at(port), 0.0
    first = _worker(folder, bus, views)
    first.round()
    first.close()
    into = Path(folder) / "published"
    into.mkdir(parents=True, exist_ok=True)
    for number, part in enumerate(world.parts(events, items, users)):
        keys = part["user_id"].combine_chunks()
        begin = time.perf_counter()
        done = bus.publish(part, keys)
        seconds += time.perf_counter() - begin
        if not done.taken.all():
            raise AssertionError(f"the bus took {int(done.taken.sum())} of {len(part)} events")
        pa.parquet.write_table(part.append_column("position", pa.array(done.positions)), into / f"{number}.parquet")
    size = bus.size_bytes()
    return {"events": events, "seconds": round(seconds, 3), "events_per_s": round(events / seconds, 1),
            "bus_bytes_an_event": round(size / events, 1)}  # fmt: skip


def ours(folder: str, port: int, events: int, views: list[str]) -> dict:
    """One worker, from the filled bus until everything is committed."""
    bus, stop = world.bus_at(port), threading.Event()
    running = threading.Thread(target=_worker(folder, bus, views).run, args=(stop,))
    ends = bus.ends()
    with spending() as spent:
        running.start()
        while running.is_alive() and (bus.committed("windows") < ends).any():
            time.sleep(0.02)
    stop.set()
    running.join()
    done = metrics.counts()
    if done.events != events:
        raise AssertionError(f"the worker applied {done.events:.0f} of {events} events")
    return {"events": events, **spent.figures(), "events_per_s": round(events / spent.seconds, 1),
            "merges_per_s": round(done.merges / spent.seconds, 1)}  # fmt: skip


def _worker(folder: str, bus: RedisStreams, views: list[str]) -> Worker:
    return Worker(bus, bus.connection, world.PROJECT, world.views(views), EventLog(world.log_folder(folder)))


def agree(folder: str, port: int, views: list[str]) -> bool:
    """Whether every feature of every key is what a count of the published events says."""
    connection, at_us = world.bus_at(port).connection, clock.now_us()
    return all(_agrees(connection, Path(folder), view, at_us) for view in world.views(views))


def _agrees(connection, folder: Path, view, at_us: int) -> bool:
    expected = _counted(folder, view, at_us)
    columns = [component(key, view.key_types[key], expected[key]) for key in view.join_keys]
    read = generations.read_by(connection, world.PROJECT, view.name, view.fingerprint)
    values = connection.fetch(entity_keys(read.prefix(world.PROJECT), columns, len(expected)))
    names = [feature.name for feature in view.features]
    found = finish_columns(view, values, names, at_us)
    return all(
        np.array_equal(found[name].to_numpy(zero_copy_only=False), expected[name].to_numpy().astype(np.float32))
        for name in names
    )


def _counted(folder: Path, view, at_us: int) -> pa.Table:
    """The features by the contract, in plain SQL over the published events."""
    counted = []
    for feature in view.features:
        window, slide = feature.window_us, feature.slide_us
        tile, now = f"epoch_us(least(event_time, make_timestamptz(position))) // {slide}", at_us // slide
        inside = f"{tile} BETWEEN {now - window // slide} AND {now}"
        function = "coalesce(sum" if feature.function == "sum" else "count"
        end = ", 0)" if feature.function == "sum" else ""
        counted.append(f"{function}({world.COLUMNS[feature.column]}) FILTER ({inside}){end}::DOUBLE AS {feature.name}")
    keys = [f"{world.KEYS[key]} AS {key}" for key in view.join_keys]
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        return con.sql(
            f"SELECT {', '.join([*keys, *counted])} FROM '{folder}/published/*.parquet' GROUP BY ALL"
        ).to_arrow_table()


def stock(folder: str, port: int, events: int, items: int, users: int) -> dict:
    """Feast's `push` of the same events as rows, which aggregates nothing: the last event of each item is served."""
    from datetime import timedelta

    from feast import Entity, FeatureView, Field, FileSource, PushSource, ValueType
    from feast.types import Int64

    from benchmarks.stores import feature_store

    store, place = feature_store("stock", Path(folder) / "stock", port), Path(folder) / "stock"
    frames = [_frame(part) for part in world.parts(events, items, users, PUSHED_AT_A_TIME)]
    frames[0].to_parquet(place / "rows.parquet")
    source = PushSource(
        name="acts", batch_source=FileSource(path=str(place / "rows.parquet"), timestamp_field="event_timestamp")
    )
    item = Entity(name="item", join_keys=["item_id"], value_type=ValueType.STRING)
    schema = [Field(name="watch_ms", dtype=Int64), Field(name="acts", dtype=Int64)]
    store.apply([item, FeatureView(name="last", entities=[item], ttl=timedelta(0), source=source, schema=schema)])
    with spending() as spent:
        for frame in frames:
            store.push("acts", frame)
    return {"events": events, **spent.figures(), "events_per_s": round(events / spent.seconds, 1)}


def _frame(part: pa.Table):
    rows = part.select(["item_id", "watch_ms"]).to_pandas()
    rows["watch_ms"], rows["acts"] = rows["watch_ms"].fillna(0).astype("int64"), 1
    rows["event_timestamp"] = part["event_time"].to_pandas()
    return rows
