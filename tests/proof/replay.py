"""Events sent through the whole platform under a virtual clock: published, applied by a worker that falls behind, read
by the service's own code at random moments, logged, and audited."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from proof.stories import Story

from catalog.dataset import DataSet
from streamrank import clock
from streamrank.clock import SECOND, VirtualClock
from streamrank.events.log import EventLog
from streamrank.stream.scripts import CONSUMER

NOBODY, NOTHING = "0", "999999999"  # ids that no event names
SMALL_BATCH = 2_000


@dataclass
class Done:
    """What happened. duplicates, refused: events that the bus had before, and that the door turned away. behind: by
    request, in how many shards something was not applied yet."""

    published: int = 0
    duplicates: int = 0
    refused: int = 0
    requests: int = 0
    behind: list[int] = field(default_factory=list)


class Platform:
    """The embedded platform, with a story's past loaded, its features served and its windows filled."""

    def __init__(self, story: Story, virtual: VirtualClock, seed: int = 3) -> None:
        from catalog.load import load
        from pipelines import feature_store
        from pipelines.batch_features import compute_batch_features
        from streamrank import embedded

        self.story, self.data, self.clock = story, DataSet.current(), virtual
        self.chance, self.done = random.Random(seed), Done()
        self.clock.advance_to(story.begin_us)
        load(story.past, self.data)
        compute_batch_features(self.data)
        feature_store.apply()
        embedded.ensure_redis()
        feature_store.materialize_incremental(clock.now())
        self._open()

    def _open(self) -> None:
        from catalog.bus import open_bus
        from catalog.live.processors import processors
        from catalog.publishing import open_door
        from pipelines.feature_store import open_store
        from streamrank.stream.log_writer import LogWriter
        from streamrank.stream.views import streamed_views
        from streamrank.stream.worker import Worker

        self.store, self.bus, log = open_store(), open_bus(), EventLog(self.data.events)
        self.door, self.writer = open_door(self.data), LogWriter(self.bus, log)
        self.writer.run_once()
        views, live = streamed_views(self.store), processors(self.bus, self.bus.connection, self.store, self.data)
        project, connection = self.store.project, self.bus.connection
        self.worker = Worker(self.bus, connection, project, views, log, live, batch_events=SMALL_BATCH)
        self.worker.drain()
        self.audience = Audience(self.story.everything)
        self._serve()

    def _serve(self) -> None:
        from bentos.recommender.evidence import evidence_fields
        from bentos.recommender.features import OnlineFeatures
        from bentos.recommender.served_rows import served_schema
        from pipelines.feature_store import declared_features

        self.names = declared_features(self.store, "ranker").names
        self.online = OnlineFeatures(self.store, "ranker", self.names)
        self.schema = served_schema(self.names, evidence_fields(self.online.reader))

    def run(self, requests: int, items: int) -> Done:
        """Streams the story, and asks in between, of `items` items each time."""
        pieces, done = self.story.pieces, self.done
        asked = self.chance.choices(range(len(pieces)), k=requests)
        with self.serving():
            for number, (instant, rows) in enumerate(pieces):
                self.clock.advance_to(max(instant, clock.now_us()))
                self.publish(rows)
                if self.chance.random() < 0.5:
                    self.worker.round()
                if self.chance.random() < 0.3:
                    self.writer.run_once()
                for _ in range(asked.count(number)):
                    self.clock.advance_to(clock.now_us() + self.chance.randrange(5 * SECOND))
                    self.ask(*self.audience.question(self.chance, rows, items))
        self.settle()
        return done

    def publish(self, rows: pa.Table) -> None:
        from catalog.publishing import publish

        receipt = publish(self.bus, rows, self.door)
        self.done.published += receipt.taken
        self.done.duplicates += receipt.duplicates
        self.done.refused += len(receipt.refused)

    def settle(self) -> None:
        """Everything that was published is in the log, and what it says of items and users in their attributes."""
        from pipelines.batch_features import compute_batch_features

        while self.writer.run_once():
            pass
        compute_batch_features(self.data)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """What is asked within is in the served log afterwards."""
        from streamrank.events.served import ServedLog

        self.served = ServedLog(self.data.served, self.schema, 10_000_000, 0.5)
        yield
        self.served.close()

    def ask(self, user: str, items: Sequence[str], surface: str, topics: Sequence[str] = ()) -> str:
        """One request, read and logged by the service's own code; its id."""
        from bentos.recommender.query import ranked
        from bentos.recommender.served_rows import served_rows

        name, as_of, chosen = f"request-{self.done.requests}", clock.now(), np.array(items, dtype=object)
        read = self.online.read(user, chosen, clock.now_us(), surface, topics)
        features = self.online.matrix(read)
        answer = ranked(chosen, np.arange(len(items), dtype=np.float64), features, None, read)
        answer = replace(answer, stated_topics=tuple(topics))
        rows = served_rows(
            self.schema, answer, len(items), True, request_id=name, as_of=as_of, user_id=user, model_version="none",
            fallback=None, surface=surface,
        )  # fmt: skip
        assert self.served.offer(rows)
        self.done.requests += 1
        self.done.behind.append(int((self.bus.ends() > self.bus.committed(CONSUMER)).sum()))
        return name


class Audience:
    """Who asks, and about what: somebody busy who just did something, and what they and others watched."""

    def __init__(self, events: pa.Table) -> None:
        self._own: dict[str, dict[str, None]] = {}
        self._fame = Counter(events["item_id"].to_pylist())
        for user, item in zip(events["user_id"].to_pylist(), events["item_id"].to_pylist(), strict=True):
            if user and item:
                self._own.setdefault(user, {})[item] = None

    def question(self, chance: random.Random, rows: pa.Table, items: int) -> tuple[str, list[str], str, list[str]]:
        """User, items, surface and named topics; now and then a user and an item of whom nobody knows anything."""
        users, seen = (rows[name].cast(pa.string()).to_pylist() for name in ("user_id", "item_id"))
        busy = sorted({user for user in users if user}, key=lambda user: (-len(self._own.get(user, ())), user))[:3]
        user = NOBODY if chance.random() < 0.02 else chance.choice(busy)
        own = list(self._own.get(user, ()))
        seen = sorted({item for item in seen if item}, key=lambda item: (-self._fame[item], item))[: 2 * items]
        chance.shuffle(seen)
        chosen = list(dict.fromkeys([*chance.sample(own, min(len(own), items // 2)), *seen]))
        unknown = [NOTHING] if chance.random() < 0.2 else []
        surface, topics = chance.choice(rows["surface"].to_pylist()), chance.choice(rows["topics"].to_pylist())
        return user, (unknown + chosen)[:items], surface or "home", topics or []


@contextmanager
def platform(root: Path, story: Story) -> Iterator[Platform]:
    """A platform of its own at `root`, whose clock stands where the present begins."""
    from platforms import platform_at

    virtual = VirtualClock(0)
    with platform_at(root, STREAMRANK_DATASET=story.name), clock.use(virtual):
        yield Platform(story, virtual)
