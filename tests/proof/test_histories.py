"""Viewers' latest acts are the same lists online and offline, whatever happens to the events and to who applies them.

A simulated service is replayed: events come late, out of order and twice, the worker lags, and dies in the middle of
batches. Whatever a reader found at any moment follows from the log, act by act, and the audit says so.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from platforms import platform_at
from proof import stories
from proof.acts import acts_of

from catalog.dataset import DataSet
from streamrank import clock
from streamrank.clock import HOUR, SECOND, VirtualClock
from streamrank.events.log import EventLog
from streamrank.stores.reader import OnlineReader
from streamrank.stream import applying
from validation.audit.page import page
from validation.audit.suite import require_equal

SERVICE, LEASE_SECONDS, DEATHS = "viewer", 0.2, 5
VIEWS = {
    "user_recent": ("recent_items", "recent_times", "recent_weights", "recent_watched", "recent_ratings"),
    "user_hidden": ("hidden_items",), "user_follows": ("followed_creators",),
}  # fmt: skip


class Died(Exception):
    """A worker ended in the middle of a batch."""


@dataclass
class Replay:
    """seen: what readers found, as (user, instant, view, e, c, lists by feature, digest)."""

    data: DataSet
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    seen: list[tuple] = field(default_factory=list)
    deaths: int = 0
    duplicates: int = 0

    def start(self, story: stories.Story) -> None:
        from catalog.bus import open_bus
        from catalog.load import load
        from catalog.publishing import open_door
        from pipelines import feature_store
        from pipelines.batch_features import compute_batch_features
        from streamrank import embedded
        from streamrank.stream.log_writer import LogWriter

        load(story.past, self.data)
        compute_batch_features(self.data)
        feature_store.apply()
        embedded.ensure_redis()
        self.store, self.bus, self.door = feature_store.open_store(), open_bus(), open_door(self.data)
        self.writer = LogWriter(self.bus, EventLog(self.data.events))
        self.users = sorted({user for user in story.everything["user_id"].to_pylist() if user})[:60]
        self.worker = self.hired()
        self.reader = OnlineReader(self.store, SERVICE)

    def hired(self):
        from streamrank.stream.views import streamed_views
        from streamrank.stream.worker import Worker

        views = [view for view in streamed_views(self.store) if view.name in VIEWS]
        log = EventLog(self.data.events)
        return Worker(self.bus, self.bus.connection, self.store.project, views, log, batch_events=500,
                      lease_seconds=LEASE_SECONDS)  # fmt: skip

    def run(self, pieces: list[tuple[int, pa.Table]], virtual: VirtualClock) -> None:
        from catalog.publishing import publish

        self.round()
        for number, (instant, rows) in enumerate(pieces):
            virtual.advance_to(max(instant, clock.now_us()))
            self.duplicates += publish(self.bus, rows, self.door).duplicates
            if self.chance.random() < 0.6:
                self.round(die=self.deaths < DEATHS and number % 3 == 0)
            if self.chance.random() < 0.4:
                self.writer.run_once()
            self.look()
        while self.round():
            pass
        while self.writer.run_once():
            pass

    def round(self, die: bool = False) -> int:
        """One batch; where it dies, another worker takes over once the lease has run out."""
        at = self.chance.randint(1, 4)

        def step() -> None:
            nonlocal at
            at -= 1
            if die and not at:
                raise Died

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(applying, "may_end_here", step)
            try:
                return self.worker.round().events
            except Died:
                self.deaths += 1
        time.sleep(1.5 * LEASE_SECONDS)
        self.worker = self.hired()
        return 1

    def look(self) -> None:
        users, at_us = self.chance.sample(self.users, 5), clock.now_us()
        read = self.reader.read({"user_id": users})
        for view, names in VIEWS.items():
            state, digests = read.rows[view], read.digests[view].tolist()
            lists = {name: read.columns[name].to_pylist() for name in names}
            for place, user in enumerate(users):
                row = {name: lists[name][place] for name in names}
                times = int(state.event_us[place]), int(state.created_us[place])
                self.seen.append((user, at_us, view, *times, row, digests[place]))


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    story = stories.simulated(3, 1, 0.25, 40)
    virtual = VirtualClock(story.begin_us)
    root: Path = tmp_path_factory.mktemp("histories") / "root"
    with platform_at(root, STREAMRANK_DATASET=story.name), clock.use(virtual):
        made = Replay(DataSet.current())
        made.start(story)
        made.run(story.pieces, virtual)
        yield made


def test_what_a_reader_finds_at_any_moment_are_the_acts_up_to_the_position_it_says(replay: Replay):
    acts = {view: acts_of(replay.data, view) for view in VIEWS}
    assert replay.deaths == DEATHS and replay.duplicates
    assert sum(created > 0 for _, _, _, _, created, *_ in replay.seen) > 100
    for user, _, view, event_us, created_us, lists, _ in replay.seen:
        done = [act for act in acts[view].get(user, ()) if act["position"] <= created_us]
        if not created_us:
            assert all(found is None for found in lists.values())
            continue
        assert (created_us, event_us) == (done[-1]["position"], max(act["time"] for act in done))
        for name, found in lists.items():
            assert same(found, [act[name] for act in done[-1_000:]]), (user, view, name)


def test_once_all_is_applied_online_is_what_offline_says_of_that_instant(replay: Replay):
    online = replay.reader.read({"user_id": replay.users})
    offline = known(replay, replay.users, clock.now_us() + SECOND)
    for names in VIEWS.values():
        for name in names:
            assert_same_bits(online.columns[name], offline[name])
    assert offline["recent_items"].null_count < len(replay.users) // 2


def test_rows_of_the_past_have_the_acts_that_had_arrived_by_then(replay: Replay):
    acts, instants = acts_of(replay.data, "user_recent"), random.Random(3).choices(range(4 * HOUR), k=200)
    begin = clock.now_us() - 4 * HOUR
    users = [random.Random(at).choice(replay.users) for at in instants]
    found = known(replay, users, [begin + at for at in instants])
    for user, at, lists in zip(users, instants, found.select(VIEWS["user_recent"]).to_pylist(), strict=True):
        done = [act for act in acts.get(user, ()) if act["position"] <= begin + at][-1_000:]
        for name, row in lists.items():
            assert row is None if not done else same(row, [act[name] for act in done])


def test_a_view_that_is_rebuilt_has_the_same_rows(replay: Replay):
    from pipelines.streaming import rebuild_view

    before = replay.reader.read({"user_id": replay.users})
    for view in VIEWS:
        rebuild_view(replay.data, view, lambda done, total: None)
        replay.round()
    after = replay.reader.read({"user_id": replay.users})
    assert {view: digests.tolist() for view, digests in before.digests.items()} == {
        view: digests.tolist() for view, digests in after.digests.items()
    }
    assert np.count_nonzero(after.digests["user_recent"]) > len(replay.users) // 2


def test_the_audit_finds_no_difference_and_a_changed_digest_at_once(replay: Replay, tmp_path: Path):
    report = audited(replay, tmp_path / "served", replay.seen)
    assert set(report.features) == set(VIEWS)
    assert report.total("compared") == report.total("equal") == len(replay.seen)
    assert report.features["user_recent"].nonzero > 30
    require_equal(report)
    assert "latest acts" in page(report)
    user, at_us, view, event_us, created_us, lists, digest = next(row for row in replay.seen if row[-1])
    spoilt = audited(replay, tmp_path / "spoilt", [(user, at_us, view, event_us, created_us, lists, digest ^ 1)])
    assert spoilt.features[view].mismatched == 1


def test_the_audit_finds_a_row_that_was_lost(replay: Replay, tmp_path: Path):
    from validation.audit.recompute import Patience

    user, at_us, view, *_ = next(row for row in replay.seen if row[4] and row[2] == "user_recent")
    lost = (user, at_us, view, 0, 0, {}, 0)
    report = audited(replay, tmp_path / "lost", [lost], Patience(grace_us=0))
    assert report.features[view].missing == 1 and "lost" in next(iter(report.features[view].reasons))


def audited(replay: Replay, folder: Path, seen: list[tuple], *patience):
    """The report on a served log that holds what was seen, one request for each view that was read."""
    from validation.audit.audit import audit
    from validation.audit.recompute import Patience
    from validation.audit.served import Chosen

    for view in VIEWS:
        rows = [row for row in seen if row[2] == view]
        if rows:
            names = ("user", "at", "view", "e", "c", "lists", "digest")
            columns = dict(zip(names, zip(*rows, strict=True), strict=True))
            place = folder / "served_on=2026-02-25" / f"{view}.parquet"
            place.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(served(view, columns), place)
    service = replay.store.get_feature_service(SERVICE)
    lagging = patience or (Patience(grace_us=24 * HOUR),)
    return audit(replay.store, service, folder, replay.data.events, Chosen(), *lagging)


def served(view: str, columns: dict[str, tuple]) -> pa.Table:
    absent = np.array(columns["c"]) == 0
    numbers = {"__event_us": "e", "__created_us": "c", "__digest": "digest"}
    return pa.table(
        {
            "request_id": [f"{view}-{number}" for number in range(len(absent))],
            "as_of": pa.array(columns["at"], pa.timestamp("us", "UTC")), "user_id": list(columns["user"]),
            "item_id": ["0"] * len(absent), "fallback": pa.nulls(len(absent), pa.string()),
            **{view + end: pa.array(np.array(columns[name], np.int64), mask=absent) for end, name in numbers.items()},
        }
    )  # fmt: skip


def known(replay: Replay, users: list[str], at_us) -> pa.Table:
    times = pa.array(np.broadcast_to(np.array(at_us, np.int64), len(users)), pa.timestamp("us", "UTC"))
    asked = pa.table({"user_id": users, "event_timestamp": times})
    return replay.store.get_historical_features(asked, replay.store.get_feature_service(SERVICE)).to_arrow()


def same(found: list, expected: list) -> bool:
    return len(found) == len(expected) and all(
        one == other or (one != one and other != other) for one, other in zip(found, expected, strict=True)
    )


def assert_same_bits(one: pa.Array, other: pa.ChunkedArray) -> None:
    one, other = pa.chunked_array([one]).combine_chunks(), other.combine_chunks()
    assert one.is_valid().equals(other.is_valid()) and one.value_lengths().equals(other.value_lengths())
    left, right = one.flatten(), other.flatten()
    if pa.types.is_floating(left.type):
        left, right = (pa.array(np.asarray(each).view(np.int32)) for each in (left, right))
    assert left.equals(right)
