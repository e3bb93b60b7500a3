"""A small world whose served log is written by a count in plain Python, not by the service: what an audit should find
nothing wrong with, made without the code that it judges."""

import inspect
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from feast import (
    Entity,
    FeatureService,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    OnDemandFeatureView,
    PushSource,
    RequestSource,
    StreamFeatureView,
    ValueType,
)
from feast.aggregation import Aggregation
from feast.repo_config import RegistryConfig, RepoConfig
from feast.types import Float32, Int64
from online_repos import OURS
from proof.recount import Feature, Recount, View, single

from streamrank.derived import COLUMNWISE
from streamrank.events.log import EventLog
from streamrank.events.served import write_whole
from streamrank.settings import feast_connection
from streamrank.windows.source import EventSource

MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000
START = 1_767_225_600_000_000  # 2026-01-01
NOW = START + 2 * DAY
SHARDS = 16
INSTANT = pa.timestamp("us", "UTC")
SQL = """SELECT event_time, shard, log_position, item_id,
  CASE WHEN event_type = 'view' THEN 1 END AS views, watch_ms, value AS price FROM events"""

LIVE = View(
    keys=lambda event: [(event["item_id"],)],
    columns={
        "views": lambda event: 1 if event["event_type"] == "view" else None,
        "watch_ms": lambda event: event["watch_ms"],
        "price": lambda event: event["value"],
    },
    features=[
        Feature("views_10m", "count", "views", 10 * MINUTE, MINUTE),
        Feature("views_1h", "count", "views", HOUR, 5 * MINUTE),
        Feature("watch_1h", "sum", "watch_ms", HOUR, 5 * MINUTE),
        Feature("mean_watch_1h", "mean", "watch_ms", HOUR, 5 * MINUTE),
        Feature("highest_price_1h", "max", "price", HOUR, 5 * MINUTE),
        Feature("last_price", "last", "price"),
        Feature("watch_ever", "sum", "watch_ms"),
    ],
)
STORED = ("daily_views", "daily_rate")


def derive(columns):
    """The udf of `derived`."""
    import numpy

    lists = isinstance(columns["request_time"], list)
    known = {name: numpy.asarray(values, dtype=float) for name, values in columns.items()}
    with numpy.errstate(all="ignore"):
        share = (known["views_1h"] / (known["daily_views"] + 1)).astype(numpy.float32)
        hour = (known["request_time"] % 86_400e6 // 3_600e6).astype(numpy.float32)
    if lists:
        return {"share": list(share), "hour": list(hour)}
    return {"share": share, "hour": hour}


@dataclass
class AuditedWorld:
    """root: where everything lies. events: dicts of the log. rows: dicts of the served log, with lists of positions."""

    root: Path
    store: FeatureStore
    events: list[dict] = field(default_factory=list)
    rows: list[dict] = field(default_factory=list)

    @property
    def served(self) -> Path:
        return self.root / "served"

    @property
    def log(self) -> Path:
        return self.root / "events"

    @property
    def service(self) -> FeatureService:
        return self.store.get_feature_service("ranker")

    def write_log(self, events: Sequence[dict]) -> None:
        write_log(self.log, events)

    def write_served(self, rows: Sequence[dict] | None = None) -> None:
        """Replaces the served log."""
        for file in self.served.glob("*/*.parquet"):
            file.unlink()
        rows = self.rows if rows is None else rows
        write_whole(served_table(rows), self.served / "served_on=2026-01-02" / "all.parquet")


def build(root: Path, url: str, requests: int = 40, seed: int = 3) -> AuditedWorld:
    """Events of two days, requests of the second."""
    chance = random.Random(seed)
    world = AuditedWorld(root, _applied(root, url))
    world.events = events(chance, 3_000)
    world.write_log(world.events)
    daily = _daily(chance)
    pq.write_table(_daily_table(daily), root / "daily.parquet")
    recount = Recount(LIVE, world.events)
    reached = START
    for number, as_of in enumerate(sorted(chance.sample(range(START + DAY, START + DAY + DAY // 2), requests))):
        reached = max(reached, as_of - chance.randrange(2 * HOUR))
        world.rows += _request(f"r{number}", as_of, reached, recount, world.events, daily)
    world.write_served()
    return world


def events(chance: random.Random, count: int) -> list[dict]:
    """In order of arrival, a fifth of them late by up to two hours; positions are arrivals, one a microsecond."""
    found = []
    for number, arrived in enumerate(sorted(chance.sample(range(START, START + DAY + DAY // 2), count))):
        late = chance.randrange(2 * HOUR) if chance.random() < 0.2 else chance.randrange(1_000_000)
        found.append(
            {
                "event_id": f"e{number}", "event_us": arrived - late, "position": arrived, "shard": number % SHARDS,
                "item_id": f"i{min(int(chance.expovariate(0.3)), 29)}",
                "event_type": chance.choice(["view", "impression"]),
                "watch_ms": chance.choice([None, chance.randrange(100_000)]),
                "value": chance.choice([None, chance.randrange(1_000) / 4]),
            }
        )  # fmt: skip
    return found


def write_log(folder: Path, events: Sequence[dict]) -> None:
    times = {"event_time": "event_us", "arrived_at": "position"}
    columns = {name: pa.array([event[of] for event in events], INSTANT) for name, of in times.items()}
    columns["shard"] = pa.array([event["shard"] for event in events], pa.int32())
    columns["log_position"] = pa.array([event["position"] for event in events], pa.int64())
    kinds = {"event_id": pa.string(), "item_id": pa.string(), "event_type": pa.string(), "watch_ms": pa.int64()}
    for name, kind in (kinds | {"value": pa.float64()}).items():
        columns[name] = pa.array([event[name] for event in events], kind)
    EventLog(folder).append(pa.table(columns), "world", len(events))


def served_table(rows: Sequence[dict]) -> pa.Table:
    """Rows as the service logs them."""
    kinds = {"as_of": INSTANT, "item_live__applied": pa.list_(pa.int64())}
    kinds |= {name: pa.int64() for name in ("item_daily__event_us", "item_daily__created_us")}
    kinds |= {feature.name: pa.float32() for feature in LIVE.features}
    kinds |= {name: pa.float32() for name in (*STORED, "share", "hour")}
    names = list(rows[0])
    return pa.table({name: pa.array([row[name] for row in rows], kinds.get(name, pa.string())) for name in names})


def _request(name: str, as_of: int, reached: int, recount: Recount, events: list[dict], daily: list) -> list[dict]:
    """Thirty items, two of which nobody ever saw, from tiles that have got as far as `reached`."""
    return [_row(name, as_of, f"i{item}", reached, recount, events, daily) for item in [*range(28), 98, 99]]


def _row(name: str, as_of: int, item: str, reached: int, recount: Recount, events: list, daily: list) -> dict:
    applied: list[int | None] = [None] * SHARDS
    for event in events:
        if event["item_id"] == item and event["position"] <= reached:
            applied[event["shard"]] = event["position"]
    live = recount.by_position((item,), as_of, applied)
    seen = max((row for row in daily if row[0] == item and max(row[1], row[2]) <= as_of), key=_times, default=None)
    stored = dict(zip(STORED, seen[3:], strict=True)) if seen else dict.fromkeys(STORED)
    share = single(live["views_1h"] / (stored["daily_views"] + 1)) if seen else None
    return {
        "request_id": name, "as_of": as_of, "user_id": "u", "item_id": item, "fallback": None, "surface": "home",
        "item_daily__event_us": seen and seen[1], "item_daily__created_us": seen and seen[2],
        "item_live__applied": applied, **stored, **live, "share": share, "hour": float(as_of % DAY // HOUR),
    }  # fmt: skip


def _times(row: tuple) -> tuple:
    return row[1:3]


def _daily(chance: random.Random) -> list[tuple]:
    """Of most items (key, e, c, daily_views, daily_rate), some corrected later."""
    rows = []
    for item in range(25):
        for day in range(2):
            e = START + day * DAY
            for c in [e + HOUR, e + 9 * HOUR][: chance.randrange(1, 3)]:
                rows.append((f"i{item}", e, c, float(chance.randrange(50)), single(chance.random())))
    return rows


def _daily_table(rows: list[tuple]) -> pa.Table:
    kinds = [pa.string(), INSTANT, INSTANT, pa.float64(), pa.float64()]
    names = ["item_id", "event_timestamp", "created", *STORED]
    columns = list(zip(*rows, strict=True))
    return pa.table({name: pa.array(column, kind) for name, column, kind in zip(names, columns, kinds, strict=True)})


def _applied(root: Path, url: str) -> FeatureStore:
    config = RepoConfig(
        project="audited", registry=RegistryConfig(path=str(root / "registry.db")), provider="local",
        online_store={"type": OURS, "connection_string": feast_connection(url)},
        offline_store={"type": "streamrank.stores.offline.StreamrankOfflineStore", "created_cutoff": True},
        entity_key_serialization_version=3, repo_path=root,
    )  # fmt: skip
    pq.write_table(_daily_table([("i0", START, START, 0.0, 0.0)]), root / "daily.parquet")
    store = FeatureStore(config=config)
    store.apply(_declared(root))
    return store


def _declared(root: Path) -> list:
    item = Entity(name="item", join_keys=["item_id"], value_type=ValueType.STRING)
    daily = FeatureView(
        name="item_daily", entities=[item], ttl=timedelta(days=20),
        schema=[Field(name=name, dtype=Float32) for name in STORED],
        source=FileSource(
            name="daily", path=str(root / "daily.parquet"), timestamp_field="event_timestamp",
            created_timestamp_column="created",
        ),
    )  # fmt: skip
    columns = {"item_id": "VARCHAR", "event_type": "VARCHAR", "watch_ms": "BIGINT", "value": "DOUBLE"}
    source = EventSource(name="item_events", log=str(root / "events"), sql=SQL, columns=columns, scales={"price": 0.25})
    live = StreamFeatureView(
        name="item_live", entities=[item], source=PushSource(name="item_live_push", batch_source=source),
        timestamp_field="event_time", schema=[Field(name=each.name, dtype=Float32) for each in LIVE.features],
        aggregations=[_aggregation(each) for each in LIVE.features],
    )  # fmt: skip
    request = RequestSource(name="request", schema=[Field(name="request_time", dtype=Int64)])
    derived = OnDemandFeatureView(
        name="derived", sources=[request, daily[["daily_views"]], live[["views_1h"]]],
        schema=[Field(name=name, dtype=Float32) for name in ("share", "hour")], mode="python", udf=derive,
        tags=COLUMNWISE, udf_string=inspect.getsource(derive),
    )  # fmt: skip
    return [item, daily, live, derived, FeatureService(name="ranker", features=[daily, live, derived])]


def _aggregation(feature: Feature) -> Aggregation:
    if feature.length_us is None:
        return Aggregation(column=feature.column, function=feature.function, name=feature.name)
    length, slide = timedelta(microseconds=feature.length_us), timedelta(microseconds=feature.slide_us)
    return Aggregation(feature.column, feature.function, length, slide, feature.name)
