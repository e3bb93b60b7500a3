"""Sessions on a real server: whatever is done twice, late or by a former owner, each is told of once."""

from collections import Counter
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_sessions import SILENCE, PlainSessions

from catalog.live.item_states import next_states
from catalog.live.on_air import OnAir, live_items
from catalog.live.restoring import Restoring
from catalog.live.sessions import Sessions
from catalog.schema import EVENTS, PUBLISHED, shard_keys
from streamrank import clock
from streamrank.events.log import EventLog
from streamrank.events.redis_streams import redis_bus
from streamrank.events.shards import NEVER, SHARDS
from streamrank.settings import feast_connection
from streamrank.stores.connection import ConnectionOptions, connect
from streamrank.stream.log_writer import LogWriter

BEGIN = 1_000_000_000_000
ALL = range(SHARDS)
Sign = tuple[str, str, str]


class Stream:
    """A project's bus, and workers that pair its viewers' signs; the newest owns all shards."""

    def __init__(self, url: str, log: Path = Path("/nowhere")) -> None:
        self.log = EventLog(log)
        self.connection = connect(ConnectionOptions.parse(feast_connection(url)))
        self.project = f"p{uuid4().hex[:8]}"
        self.bus = redis_bus(self.connection, self.project, EVENTS)
        self.items = live_items(self.connection, self.project)
        self.workers: list[Sessions] = []
        self.taken_over()

    def taken_over(self) -> None:
        restoring = Restoring(self.connection, self.project, self.log)
        self.workers.append(Sessions(self.bus, self.connection, self.project, OnAir(self.items), restoring))

    def publish(self, *events: tuple[str, str | None, str, int]) -> None:
        """(type, user, item, event time) each."""
        names = ("event_type", "user_id", "item_id", "event_time")
        rows = [dict(zip(names, event, strict=True), event_id=uuid4().hex) for event in events]
        table = pa.Table.from_pylist(rows, schema=PUBLISHED)
        self.bus.publish(table, shard_keys(table))

    def batch(self, most: int) -> tuple[dict, dict, dict]:
        """What is waiting: events, firsts, lasts."""
        after = {shard: int(position) for shard, position in enumerate(self.bus.committed("windows"))}
        events = self.bus.read(after, most)
        firsts = {shard: after[shard] + 1 for shard in events}
        return events, firsts, {shard: part["log_position"][-1].as_py() for shard, part in events.items()}

    def apply(self, batch: tuple[dict, dict, dict], worker: int = -1) -> None:
        self.workers[worker].apply(batch[0], self.epochs(worker), *batch[1:])

    def sweep(self, worker: int = -1) -> None:
        self.workers[worker].sweep(ALL, self.epochs(worker))

    def epochs(self, worker: int) -> dict[int, int]:
        return dict.fromkeys(ALL, worker % len(self.workers) + 1)

    def work(self) -> None:
        """Everything that is waiting, what the items' ends come to included."""
        while (batch := self.batch(10_000))[0]:
            self.apply(batch)
            about = pa.concat_tables(batch[0].values())
            self.items.put(next_states(self.items.get(about["item_id"].unique()), about))
            self.bus.commit("windows", batch[2])

    def told(self) -> list[dict]:
        """All session events on the bus."""
        events = [
            event
            for table in self.bus.read(dict.fromkeys(ALL, NEVER), 1_000_000).values()
            for event in table.to_pylist()
        ]
        return [event for event in events if event["event_type"] in ("session_start", "session")]

    def gauge(self) -> Counter:
        """Viewers by item at each moment never fall below nothing; those at the end."""
        now: Counter = Counter()
        for event in sorted(self.told(), key=lambda event: (event["log_position"], event["shard"])):
            now[event["item_id"]] += 1 if event["event_type"] == "session_start" else -1
            assert min(now.values()) >= 0
        return +now

    def crossed(self, batch: tuple[dict, dict, dict], how: str) -> None:
        """Applies a batch with whatever may happen on the way, and commits it."""
        self.apply(batch)
        if how == "applied, not committed":
            self.taken_over()
            self.apply(batch)
        self.bus.commit("windows", batch[2])
        if how == "applied again by who was paused":
            self.taken_over()
            self.apply(batch, 0)


SIGN = st.tuples(
    st.sampled_from(["viewer_enter", "viewer_ping", "viewer_leave"]), st.sampled_from("uvwx"), st.sampled_from("ij")
)
HOW = st.sampled_from(["well", "applied, not committed", "applied again by who was paused"])
STEP = st.one_of(
    st.tuples(st.just("signs"), st.lists(SIGN, min_size=1, max_size=6), st.integers(1, 4), HOW),
    st.tuples(st.just("wait"), st.sampled_from([1, 20_000_000, SILENCE - 1, SILENCE])),
    st.tuples(st.sampled_from(["item_end", "item_start"]), st.sampled_from("ij")),
    st.tuples(st.sampled_from(["sweep", "sweep by who was paused"])),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEP, max_size=14))
def test_each_session_is_told_of_once_whatever_crashes_and_whoever_comes_late(redis_server, steps):
    stream, plain, now = Stream(redis_server), PlainSessions(), clock.VirtualClock(BEGIN)
    with clock.use(now):
        for step, *what in [*steps, ("wait", SILENCE), ("sweep",)]:
            now.advance_to(now.now_us() + 1_000)
            if step == "signs":
                signs_come(stream, plain, *what)
            elif step == "wait":
                now.advance_to(now.now_us() + what[0])
            elif step == "sweep by who was paused":
                stream.sweep(0)
            else:
                if step != "sweep":
                    stream.publish((step, None, what[0], now.now_us()))
                stream.work()
                now.advance_to(now.now_us() + 1_000)  # past the positions that were given at one instant
                stream.sweep()
                plain.ended = {item: (end.ended_a, end.ended_e) for item, end in ended(stream).items()}
                plain.sweep(now.now_us())
        agree(stream, plain)


def signs_come(stream: Stream, plain: PlainSessions, signs: list[Sign], most: int, how: str) -> None:
    stream.publish(*((*sign, clock.now_us() - place) for place, sign in enumerate(signs)))
    while (batch := stream.batch(most))[0]:
        rows = sorted(pa.concat_tables(batch[0].values()).to_pylist(), key=lambda row: row["log_position"])
        seen = [row for row in rows if row["event_type"].startswith("viewer_")]
        plain.batch(
            [(row["event_type"], *viewer(row), row["log_position"], us(row)) for row in seen]
        )  # fmt: skip
        stream.crossed(batch, how)


def agree(stream: Stream, plain: PlainSessions) -> None:
    told = stream.told()
    started = [event for event in told if event["event_type"] == "session_start"]
    sessions = [event for event in told if event["event_type"] == "session"]
    assert len({event["event_id"] for event in told}) == len(told)
    assert sorted((*viewer(event), us(event)) for event in started) == sorted(plain.started)
    spans = [(*viewer(event), us(event) - 1_000 * event["duration_ms"], us(event)) for event in sessions]
    assert sorted(spans) == sorted(
        (*who, end - (end - begin) // 1_000 * 1_000, end) for *who, begin, end in plain.sessions
    )
    assert len(started) == len(sessions)
    assert not stream.gauge()


def viewer(event: dict) -> tuple[str, str]:
    return event["user_id"], event["item_id"]


def us(event: dict) -> int:
    return clock.microseconds(event["event_time"])


def ended(stream: Stream) -> dict:
    return stream.workers[-1]._on_air.ended


@pytest.fixture
def stream(redis_server):
    with clock.use(clock.VirtualClock(BEGIN)) as now:
        made = Stream(redis_server)
        made.now = now
        yield made


def test_viewers_of_an_item_that_ended_have_left_and_their_pings_count_no_more(stream):
    stream.publish(("viewer_enter", "u", "i", BEGIN), ("viewer_enter", "v", "j", BEGIN))
    stream.work()
    stream.now.advance_to(BEGIN + 60_000_000)
    stream.publish(("item_end", None, "i", BEGIN + 60_000_000))
    stream.work()
    stream.now.advance_to(BEGIN + 60_000_010)
    stream.sweep()
    stream.now.advance_to(BEGIN + 90_000_000)
    stream.publish(("viewer_ping", "u", "i", BEGIN + 90_000_000))
    stream.work()
    assert [(e["user_id"], e["duration_ms"]) for e in stream.told() if e["event_type"] == "session"] == [("u", 60_000)]
    assert stream.gauge() == {"j": 1}


def test_an_owner_sees_to_what_ended_while_nobody_owned_the_shard(stream):
    stream.publish(("viewer_enter", "u", "i", BEGIN))
    stream.work()
    stream.publish(("item_end", None, "i", BEGIN))
    stream.work()
    stream.now.advance_to(BEGIN + 10)
    OnAir(stream.items).sync()
    stream.taken_over()
    stream.sweep()
    assert not stream.gauge()


def test_who_may_have_sent_a_sign_that_still_waits_is_not_silent(stream):
    stream.publish(("viewer_enter", "u", "i", BEGIN))
    stream.work()
    stream.now.advance_to(BEGIN + SILENCE - 1)
    stream.publish(("viewer_ping", "u", "i", BEGIN + SILENCE - 1))
    stream.now.advance_to(BEGIN + SILENCE + 5)
    stream.sweep()
    stream.work()
    stream.sweep()
    assert stream.gauge() == {"i": 1}


def test_many_silent_viewers_leave_in_one_sweep(stream):
    stream.publish(*(("viewer_enter", "u", f"i{n}", BEGIN) for n in range(3_000)))
    stream.work()
    assert sum(stream.gauge().values()) == 3_000
    stream.now.advance_to(BEGIN + SILENCE + 3_000)
    stream.work()
    stream.sweep()
    assert not stream.gauge()


def test_a_new_server_goes_on_from_what_the_log_says(redis_server, tmp_path):
    with clock.use(clock.VirtualClock(BEGIN)) as now:
        first = Stream(redis_server, tmp_path / "events")
        first.publish(
            ("viewer_enter", "u", "i", BEGIN), ("viewer_enter", "v", "i", BEGIN), ("item_end", None, "j", BEGIN)
        )
        first.work()
        now.advance_to(BEGIN + 60_000_000)
        first.publish(("viewer_leave", "v", "i", BEGIN), ("viewer_ping", "u", "i", BEGIN + 60_000_000))
        first.work()
        (start,) = [event for event in first.told() if event["user_id"] == "u"]
        LogWriter(first.bus, first.log).run_once()

        second = Stream(redis_server, tmp_path / "events")
        second.bus.begin(first.log.last_positions())
        now.advance_to(BEGIN + 90_000_000)
        second.publish(("viewer_leave", "u", "i", BEGIN + 80_000_000), ("viewer_enter", "u", "j", BEGIN + 80_000_000))
        second.work()
        told = second.told()
    assert [(event["event_type"], event["user_id"], event["duration_ms"]) for event in told] == [
        ("session", "u", 80_000)
    ]
    assert told[0]["session_id"] == start["session_id"]
