"""Served values are what they are offline, to the bit: whole days replayed through the platform, and audited.

Short by default; PROOF=full replays more, at least 1,000,000 values of each story. KUAIRAND names the folder of a
KuaiRand download; without it the simulated story stands alone.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from proof import stories
from proof.declared import VIEWS
from proof.recount import Recount
from proof.replay import Platform, platform

from streamrank import clock
from streamrank.clock import DAY, SECOND
from streamrank.environment import CHECKOUT
from streamrank.events.log import EventLog
from validation.audit.recompute import Patience
from validation.audit.report import Report
from validation.audit.suite import require_equal

FULL = os.environ.get("PROOF") == "full"
KUAIRAND = os.environ.get("KUAIRAND")
BEHIND = Patience(grace_us=2 * DAY)  # the worker is held back on purpose
ITEMS = 100
REQUESTS = {"kuairand": 180 if FULL else 20, "simulated": 320 if FULL else 20}
VALUES = 1_000_000 if FULL else 100_000
SAMPLE = 60 if FULL else 40
CHANGED = 200 if FULL else 40


def told(name: str) -> stories.Story:
    if name == "kuairand":
        return stories.kuairand(Path(KUAIRAND), *((7, 4, 400) if FULL else (3, 0.5, 50)))
    return stories.simulated(*((60, 24, 2.0, 400) if FULL else (40, 4, 0.6, 50)))


@pytest.fixture(scope="module", params=["kuairand", "simulated"])
def replayed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    if request.param == "kuairand" and not KUAIRAND:
        pytest.skip("KUAIRAND names no download: the simulated story stands for it")
    with platform(tmp_path_factory.mktemp(request.param) / "root", told(request.param)) as made:
        made.run(REQUESTS[request.param], ITEMS)
        yield made


@pytest.fixture(scope="module")
def found(replayed: Platform) -> Report:
    return audited(replayed)


def audited(replayed: Platform, since_us: int | None = None, patience: Patience = BEHIND) -> Report:
    from pipelines.audit import run_audit

    return run_audit(replayed.data, since_us, patience=patience)


def test_nothing_differs_though_events_come_late_twice_and_the_worker_lags(replayed: Platform, found: Report):
    done = replayed.done
    assert done.duplicates and not done.refused
    assert sum(behind > 0 for behind in done.behind) >= done.requests // 4
    require_equal(found)
    assert found.total("mismatched") == found.total("missing") == found.total("in_flight") == 0
    assert found.requests == done.requests
    assert found.total("compared") == found.total("equal") >= VALUES


def test_much_of_what_was_compared_is_not_zero(found: Report):
    """32 columns are of users' traits, of which these data have a few."""
    assert found.total("nonzero") * 5 >= found.total("compared") * 2
    for kind in ("rows", "windows", "derived"):
        assert any(each.nonzero for each in found.features.values() if each.kind == kind)


def test_the_worker_was_behind_so_that_values_differ_from_those_of_the_instant(found: Report):
    assert found.total("stale") > 0


def test_both_sides_are_what_a_count_event_by_event_gives(replayed: Platform):
    events, rows = _events(replayed), _served(replayed)
    chosen = random.Random(1).sample(range(len(rows)), SAMPLE)
    trained = _training_rows(replayed, rows.take(chosen))
    for view, (parts, rule) in VIEWS.items():
        recount, names = Recount(rule, events), {each.name for each in rule.features} & {*replayed.names}
        assert names, f"the service takes nothing of {view}"
        for place, row in enumerate(rows.take(chosen).to_pylist()):
            key, at_us = _key(parts, row), int(row["as_of"].timestamp() * 1e6)
            served = recount.by_position(key, at_us, row[f"{view}__applied"])
            known = recount.by_time(key, at_us)
            for name in names:
                missing = None in key
                assert row[name] == (None if missing else served[name]), (view, name, row["request_id"], key)
                assert trained[name][place].as_py() == (None if missing else known[name]), (view, name, key)


def test_any_byte_that_changes_what_is_served_is_found(replayed: Platform, monkeypatch: pytest.MonkeyPatch):
    """A total, a tile, its time, a position: bytes of a stored value, each changed for a request of its own."""
    monkeypatch.setattr("validation.audit.compare.EXAMPLES", 1_000)
    began = replayed.clock.now_us() + 1
    replayed.clock.advance_to(began)
    item, key, value = _a_stored_value(replayed)
    spoilt: dict[str, int] = {}
    with replayed.serving(), _client(replayed) as client:
        truth = replayed.ask("0", [item], "home")
        for place in random.Random(2).sample(range(len(value)), min(len(value), CHANGED)):
            client.set(key, bytes([*value[:place], value[place] ^ 1, *value[place + 1 :]]))
            with suppress(ValueError):  # told by name at once, so nothing is served
                spoilt[replayed.ask("0", [item], "home")] = place
        client.set(key, value)
        again = replayed.ask("0", [item], "home")
    served = _served(replayed)
    chosen = served.filter(pc.is_in(served["request_id"], pa.array([truth, *spoilt])))
    rows = {row["request_id"]: row for row in chosen.to_pylist()}
    own = [name for name in replayed.names if name in {each.name for each in VIEWS["item_live"][1].features}]
    wrong = {name for name in spoilt if any(rows[name][each] != rows[truth][each] for each in own)}
    blamed = _blamed(audited(replayed, began, Patience(log_us=0, grace_us=BEHIND.grace_us)))
    assert wrong, "no changed byte changed a value"
    assert wrong <= blamed, [spoilt[name] for name in wrong - blamed]
    assert not {truth, again} & blamed


def test_the_command_tells_by_its_exit_code(replayed: Platform):
    if replayed.story.name == "kuairand" and not FULL:
        pytest.skip("once is enough")
    replayed.worker.drain()
    replayed.clock.advance_to(replayed.clock.now_us() + 10 * SECOND)
    since = clock.now()
    item, key, value = _a_stored_value(replayed)
    with replayed.serving():
        replayed.ask("0", [item], "home")
    replayed.settle()
    sound = _command("--since", since.isoformat(), "--json")
    told = json.loads(sound.stdout)
    assert (sound.returncode, told["mismatched"], told["missing"]) == (0, 0, 0), sound.stderr
    assert told["compared"] == told["equal"] == len(replayed.names) == len(told["features"])
    with replayed.serving(), _client(replayed) as client:
        client.delete(key)
        replayed.ask("0", [item], "home")
        client.set(key, value)
    skewed = _command("--since", since.isoformat())
    assert skewed.returncode == 1 and "lost" in skewed.stderr


def _command(*options: str) -> subprocess.CompletedProcess:
    now = os.environ | {"STREAMRANK_NOW": clock.now().isoformat()}
    command = [sys.executable, "-m", "cli.main", "audit", *options]
    return subprocess.run(command, cwd=CHECKOUT, env=now, capture_output=True, text=True)


def _blamed(report: Report) -> set[str]:
    return {example["request_id"] for each in report.features.values() for example in each.examples}


def _a_stored_value(replayed: Platform) -> tuple[str, bytes, bytes]:
    """An item that is busy, the key of its tiles, and what stands there."""
    from streamrank.stream import generations

    view = next(view for view in replayed.worker.views if view.name == "item_live")
    project = replayed.store.project
    read = generations.read_by(replayed.bus.connection, project, view.name, view.fingerprint)
    rows = _served(replayed)
    busy = rows["item_id"].to_pylist()[int(np.nanargmax(np.asarray(rows["item_views_24h"].fill_null(0))))]
    with _client(replayed) as client:
        found = client.scan_iter(match=read.prefix(project) + b"*", count=10_000)
        (key,) = [key for key in found if key.endswith(busy.encode())]
        return busy, key, client.get(key)


def _client(replayed: Platform):
    import redis

    from streamrank.settings import settings

    return redis.Redis.from_url(settings().redis_address)


def _events(replayed: Platform) -> list[dict]:
    """The log as dicts, with whole microseconds."""
    columns = ["event_time", "shard", "log_position", "event_type", "user_id", "item_id", "creator_id", "topics",
               "surface", "value", "watch_ms", "duration_ms"]  # fmt: skip
    files = EventLog(replayed.data.events).files()
    log = pa.concat_tables(
        (pq.read_table(file, columns=columns, partitioning=None) for file in files), promote_options="permissive"
    )
    times = log["event_time"].cast(pa.int64())
    return log.append_column("event_us", times).append_column("position", log["log_position"]).to_pylist()


def _served(replayed: Platform) -> pa.Table:
    return pa.concat_tables(
        pq.read_table(file, partitioning=None) for file in sorted(replayed.data.served.glob("*/*.parquet"))
    )


def _training_rows(replayed: Platform, rows: pa.Table) -> pa.Table:
    """The same rows as a training set has them, by keys that were reached when they were served."""
    asked = pa.table(
        {
            "event_timestamp": rows["as_of"], "request_time": rows["as_of"].cast(pa.int64()),
            **{name: rows[name] for name in ("user_id", "item_id", "surface", "stated_topics")},
            **{name.removeprefix("key__"): rows[name] for name in rows.column_names if name.startswith("key__")},
        }
    )  # fmt: skip
    service = replayed.store.get_feature_service("ranker")
    return replayed.store.get_historical_features(asked, service).to_arrow()


def _key(parts: tuple[str, ...], row: dict) -> tuple:
    return tuple(row[f"key__{part}"] if f"key__{part}" in row else row[part] for part in parts)
