"""Windowed views through Feast's own commands: registered and read back the same, or refused and not registered."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from feast import FeatureStore
from feast.cli.cli import cli

from streamrank.windows.spec import windowed_view, windowed_views

STORE = """
project: shop
provider: local
registry: registry.db
offline_store:
  type: streamrank.stores.offline.StreamrankOfflineStore
online_store:
  type: streamrank.stores.online.StreamrankOnlineStore
  connection_string: {address}
batch_engine:
  type: streamrank.stores.engine.StreamrankComputeEngine
entity_key_serialization_version: 3
"""

VIEWS = """
from datetime import timedelta
from feast import Entity, Field, PushSource, StreamFeatureView, ValueType
from feast.aggregation import Aggregation
from feast.types import Float32, Int64, String
from streamrank.windows.source import EventSource

minute = timedelta(minutes=1)
item = Entity(name="item", join_keys=["item_id"], value_type=ValueType.STRING)
user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
events = EventSource(
    name="item_events", log="/nowhere", topic="clicks", scales={{"price": 0.01}}, description="what happens",
    tags={{"a": "b"}}, owner="me",
    sql="SELECT event_time, shard, log_position, item_id, user_id, watch_ms::BIGINT AS watch_ms, "
    "CASE WHEN event_type = 'view' THEN 1 END AS views, value::DOUBLE AS price FROM events",
)
live = StreamFeatureView(
    name="live", entities=[item], source=PushSource(name="live", batch_source=events), timestamp_field="event_time",
    schema=[Field(name="views", dtype=Int64), Field(name="paid", dtype=Float32), Field(name="now", dtype=Int64)],
    aggregations=[
        Aggregation("views", "count", 10 * minute, {slide}, "views"),
        Aggregation("price", "{function}", 60 * minute, 5 * minute, "paid"),
        Aggregation("watch_ms", "sum", name="now"),
    ],
)
pairs = StreamFeatureView(
    name="pairs", entities=[user, item], source=PushSource(name="pairs", batch_source=events), online={online},
    timestamp_field="event_time", schema=[Field(name="user_id", dtype=Int64), Field(name="mean", dtype=Float32)],
    aggregations=[Aggregation("watch_ms", "mean", 60 * minute, {other_slide}, "mean")],
)
"""
FITTING = {"slide": "minute", "function": "sum", "online": True, "other_slide": "5 * minute"}


@pytest.fixture
def repo(tmp_path: Path, redis_server: str):
    """A function that writes a repo with these views, differing from those that fit."""

    def write(**different) -> Path:
        address = redis_server.removeprefix("redis://").split("/")[0]
        (tmp_path / "feature_store.yaml").write_text(STORE.format(address=address))
        (tmp_path / f"views_{tmp_path.name}.py").write_text(VIEWS.format(**FITTING | different))
        return tmp_path

    before, path = Path.cwd(), [*sys.path]
    yield write
    os.chdir(before)
    sys.path[:] = path
    sys.modules.pop(f"views_{tmp_path.name}", None)


def test_views_survive_apply_and_the_registry(repo):
    """As two processes: one applies, another reads the registry without the definitions."""
    folder = repo()
    feast = str(Path(sys.executable).with_name("feast"))
    done = subprocess.run([feast, "apply"], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    store = FeatureStore(repo_path=str(folder))
    found = {view.name: view for view in windowed_views(store)}
    assert f"views_{folder.name}" not in sys.modules
    assert {name: view.join_keys for name, view in found.items()} == {
        "live": ("item_id",),
        "pairs": ("item_id", "user_id"),
    }
    sys.path.insert(0, str(folder))
    declared = __import__(f"views_{folder.name}")
    assert found["live"].source == declared.events
    applied = FeatureStore(repo_path=str(folder))
    applied.apply([declared.item, declared.user, declared.live, declared.pairs])
    assert [windowed_view(declared.live), windowed_view(declared.pairs)] == [found["live"], found["pairs"]]
    assert {view.name: view for view in windowed_views(applied)} == found


@pytest.mark.parametrize("command", ["apply", "plan"])
@pytest.mark.parametrize(
    ("different", "told"),
    [
        ({"slide": "None"}, r"view 'live', aggregation 'views': expected a slide_interval below"),
        ({"slide": "3 * minute"}, r"view 'live', aggregation 'views': expected a time_window that is a multiple"),
        ({"function": "count_distinct"}, r"view 'live', aggregation 'paid': expected one of"),
        ({"online": False, "other_slide": "None"}, r"view 'pairs', aggregation 'mean': expected a slide_interval"),
    ],
)
def test_what_cannot_run_exactly_is_refused_and_nothing_is_registered(repo, command, different, told):
    folder = repo(**different)
    result = CliRunner().invoke(cli, ["-c", str(folder), command])
    assert result.exit_code != 0
    with pytest.raises(Exception, match=told):
        raise result.exception
    assert FeatureStore(repo_path=str(folder)).list_stream_feature_views() == []
