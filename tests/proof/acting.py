"""A simulated service: its events reach viewers' latest acts by workers that lag and die, and are read meanwhile."""

import random
import time
from dataclasses import dataclass, field

import pyarrow as pa
import pytest
from proof import stories

from catalog.dataset import DataSet
from streamrank import clock
from streamrank.clock import VirtualClock
from streamrank.events.log import EventLog
from streamrank.stores.reader import OnlineReader
from streamrank.stream import applying

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
