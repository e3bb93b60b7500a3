"""Viewers' latest acts are the same lists online and offline, whatever happens to the events and to who applies them.

A simulated service is replayed: events come late, out of order and twice, the worker lags, and dies in the middle of
batches. Whatever a reader found at any moment follows from the log, act by act, and the audit says so.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from platforms import platform_at
from proof import stories
from proof.acting import DEATHS, SERVICE, VIEWS, Replay
from proof.acts import acts_of

from catalog.dataset import DataSet
from streamrank import clock
from streamrank.clock import HOUR, SECOND, VirtualClock
from validation.audit.page import page
from validation.audit.suite import require_equal


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


def test_lists_are_made_again_as_they_were_read(replay: Replay):
    import duckdb

    from validation.audit.floors import floors
    from validation.audit.log import LogSnapshot
    from validation.audit.made_of_acts import from_acts
    from validation.audit.question import question_of
    from validation.audit.served import Chosen

    seen = [row for row in replay.seen if row[2] == "user_recent"]
    question = question_of(replay.store, replay.store.get_feature_service(SERVICE))
    log, floor = LogSnapshot.of(replay.data.events), floors([], Chosen(), 0, 24 * HOUR)
    with duckdb.connect(config={"threads": 1}) as connection:
        made = from_acts(connection, question.acts["user_recent"], served("user_recent", by_name(seen)), {}, log, floor)
    for name in VIEWS["user_recent"]:
        for found, row in zip(made.columns[name].to_pylist(), seen, strict=True):
            expected = row[5][name]
            assert found is expected is None or same(found, expected)
    assert made.digests.tolist() == [row[6] for row in seen] and not made.beyond.any() and not made.lost.any()


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
            place = folder / "served_on=2026-02-25" / f"{view}.parquet"
            place.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(served(view, by_name(rows)), place)
    service = replay.store.get_feature_service(SERVICE)
    lagging = patience or (Patience(grace_us=24 * HOUR),)
    return audit(replay.store, service, folder, replay.data.events, Chosen(), *lagging)


def by_name(rows: list[tuple]) -> dict[str, tuple]:
    return dict(zip(("user", "at", "view", "e", "c", "lists", "digest"), zip(*rows, strict=True), strict=True))


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
