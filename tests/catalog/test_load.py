import fcntl
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog import load as loading
from catalog.dataset import DataSet, DataSetMissing, Manifest
from catalog.errors import InputError
from catalog.load import STEPS, load
from catalog.source import Source
from streamrank import clock
from streamrank.clock import DAY, VirtualClock
from streamrank.events.log import EventLog

NOW = 20_000 * DAY + 7 * clock.HOUR
START = 10_000 * DAY
ITEMS = pa.table({"item_id": ["m1", "m2"], "creator_id": ["c1", "c2"], "available_from": [START, START]})
USERS = pa.table({"user_id": ["7"], "age": [30], "income": [5]})


@pytest.fixture(autouse=True)
def present():
    with clock.use(VirtualClock(NOW)) as virtual:
        yield virtual


@pytest.fixture
def data(platform) -> DataSet:
    return DataSet.named("mine")


def _events(*numbers: int, **columns: list) -> pa.Table:
    basic = {
        "event_id": [f"e{number}" for number in numbers],
        "event_time": [START + number * DAY for number in numbers],
        "user_id": ["7"] * len(numbers),
        "item_id": [f"m{number}" for number in numbers],
    }
    return pa.table(basic | columns)


def _source(events: pa.Table, fingerprint: str = "one", **more) -> Source:
    manifest = Manifest(name="mine", source="files", split_at="1997-05-20T00:00:00+00:00")
    return Source(manifest, events, more.pop("items", ITEMS), more.pop("users", USERS), fingerprint, **more)


def _logged(data: DataSet) -> list[dict]:
    files = EventLog(data.events).files()
    rows = [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]
    return sorted(rows, key=lambda row: row["log_position"])


def _state(data: DataSet) -> tuple:
    return data.manifest(), pq.read_table(data.items).to_pylist(), pq.read_table(data.users).to_pylist(), _logged(data)


def _at(instant) -> int:
    return clock.microseconds(instant)


def test_a_source_becomes_a_log_items_users_and_a_manifest(data):
    heard = []
    loaded = load(_source(_events(1, 2, 3)), data, report=heard.append)
    assert (loaded.added, loaded.rejected, loaded.already) == (3, 0, False)
    assert tuple(heard) == STEPS
    assert [(row["event_id"], row["creator_id"]) for row in _logged(data)] == [("e1", "c1"), ("e2", "c2"), ("e3", None)]
    assert pq.read_table(data.users).column_names == ["user_id", "topics", "country", "age", "income"]
    assert loaded.manifest == data.manifest()
    assert loaded.manifest.counts == {"events": 3, "events of unknown items": 1, "items": 2, "users": 1}


def test_the_same_content_again_adds_nothing(data):
    load(_source(_events(1, 2)), data)
    before = _state(data)
    again = load(_source(_events(1, 2)), data)
    assert (again.added, again.already) == (0, True)
    assert _state(data) == before


def test_other_content_is_added_behind_and_overlapping_rows_go_to_quarantine(data):
    load(_source(_events(1, 2)), data)
    more = load(_source(_events(2, 3), "two", items=None, users=None), data)
    assert (more.added, more.rejected) == (1, 1)
    assert [row["event_id"] for row in _logged(data)] == ["e1", "e2", "e3"]
    assert more.manifest.counts == {
        "events": 3, "events of unknown items": 1, "items": 2, "users": 1,
        "quarantined events": 1, "quarantined events: duplicate event_id": 1,
    }  # fmt: skip


def test_what_is_turned_away_is_kept_with_its_reason_and_lines_without_columns(data):
    lines = pa.table({"line": ["a,b,c"], "reason": ["unreadable line: row 9 has 3 values, expected 2"]})
    items = pa.table({"item_id": ["m1", None], "year": ["2000", "2001"]})
    source = _source(_events(1, 2, watch_ms=["5", "-5"]), items=items, unreadable={"events": lines})
    loaded = load(source, data)
    assert (loaded.added, loaded.rejected) == (1, 2)
    kept = pq.read_table(next(data.quarantine.glob("events-*.parquet"))).to_pylist()
    assert [(row["event_id"], row["watch_ms"], row["row"], row["line"], row["reason"]) for row in kept] == [
        ("e2", "-5", 1, None, "negative watch_ms: -5"),
        (None, None, None, "a,b,c", "unreadable line: row 9 has 3 values, expected 2"),
    ]
    counts = loaded.manifest.counts
    assert counts["quarantined events"] == 2
    assert counts["quarantined items: item_id"] == 1
    load(source, data)
    assert data.manifest().counts == counts


def test_a_file_of_broken_rows_only_is_loaded_once_too(data):
    source = _source(_events(1, event_type=["zap"]))
    assert (load(source, data).rejected, load(source, data).already) == (1, True)
    assert data.manifest().counts["events"] == 0


def test_shifted_events_items_and_split_come_to_the_present_together(data):
    loaded = load(_source(_events(1, 2, 3)), data, shift_to_now=True)
    days = loaded.manifest.shift_days
    assert NOW - DAY < START + (3 + days) * DAY <= NOW
    assert [_at(row["event_time"]) for row in _logged(data)] == [START + (number + days) * DAY for number in (1, 2, 3)]
    assert {_at(item["available_from"]) for item in pq.read_table(data.items).to_pylist()} == {START + days * DAY}
    assert loaded.manifest.split_at.startswith("2024-10-0")


def test_a_row_from_the_future_does_not_decide_the_shift(data):
    events = _events(1, 2, event_time=[START, NOW + 100 * DAY])
    assert load(_source(events), data, shift_to_now=True).manifest.shift_days == 10_000


def test_a_data_set_of_one_load_is_made_anew_for_another_present(data, present):
    load(_source(_events(1, 2)), data, shift_to_now=True)
    before = _state(data)
    assert load(_source(_events(1, 2)), data, shift_to_now=True).already
    assert _state(data) == before
    present.advance_to(NOW + 3 * DAY)
    moved = load(_source(_events(1, 2)), data, shift_to_now=True)
    assert not moved.already
    assert moved.manifest.shift_days == before[0].shift_days + 3
    assert _at(_logged(data)[-1]["event_time"]) == _at(before[3][-1]["event_time"]) + 3 * DAY
    back = load(_source(_events(1, 2)), data)
    assert (back.manifest.shift_days, _at(_logged(data)[0]["event_time"])) == (0, START + DAY)


def test_a_data_set_of_several_loads_keeps_its_days_and_its_events(data, present):
    days = load(_source(_events(1)), data, shift_to_now=True).manifest.shift_days
    load(_source(_events(0), "two"), data)
    assert [_at(row["event_time"]) for row in _logged(data)] == [START + (n + days) * DAY for n in (1, 0)]
    present.advance_to(NOW + 3 * DAY)
    assert load(_source(_events(1)), data, shift_to_now=True).already
    assert data.manifest().shift_days == days
    assert len(_logged(data)) == 2


def test_new_items_for_known_events_take_the_place_of_the_old(data):
    load(_source(_events(1)), data)
    renamed = pa.table({"item_id": ["m1", "m9"], "title": ["One", "Nine"]})
    assert load(_source(_events(1), items=renamed, users=None), data).already
    titles = {item["item_id"]: item["title"] for item in pq.read_table(data.items).to_pylist()}
    assert titles == {"m2": None, "m1": "One", "m9": "Nine"}


def test_ids_are_integers_only_while_every_load_says_so(data):
    integers = replace(_source(_events(1)).manifest, item_ids="integer", user_ids="integer")
    load(replace(_source(_events(1)), manifest=integers), data)
    load(replace(_source(_events(2), "two"), manifest=replace(integers, user_ids="string")), data)
    assert (data.manifest().item_ids, data.manifest().user_ids) == ("integer", "string")


def test_another_kind_of_source_is_refused(data):
    load(_source(_events(1)), data)
    other = _source(_events(2), "two")
    other = replace(other, manifest=replace(other.manifest, source="kuairand"))
    with pytest.raises(InputError, match=r"data set 'mine' was made by `dataset files`.*choose another with --name"):
        load(other, data)
    assert len(_logged(data)) == 1


def test_a_folder_of_something_else_is_left_alone(data):
    data.events.mkdir(parents=True)
    (data.events / "precious.txt").touch()
    with pytest.raises(InputError, match=r"mine holds events of something else: choose another --name"):
        load(_source(_events(1)), data)
    assert (data.events / "precious.txt").exists()


class Stop(Exception):
    pass


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("shift", [False, True])
def test_a_load_cut_off_at_any_step_is_completed_by_running_it_again(data, tmp_path, step, shift):
    source = _source(_events(1, 2, 3, watch_ms=["1", "x", "3"]))
    whole = DataSet(tmp_path / "whole" / "mine")
    load(source, whole, shift)

    def stop(heard: str) -> None:
        if heard == step:
            raise Stop

    with pytest.raises(Stop):
        load(source, data, shift, stop)
    load(source, data, shift)
    assert _state(data) == _state(whole)


def test_a_replacement_cut_off_in_the_middle_is_completed_by_running_it_again(data):
    load(_source(_events(1, 2)), data)
    before = _state(data)
    (data.home / "dataset.json").rename(data.home / "dataset.json.clearing")  # what clearing begins with
    data.items.unlink()
    with pytest.raises(DataSetMissing):
        data.manifest()
    assert not load(_source(_events(1, 2)), data).already
    assert _state(data) == before


def test_two_loads_at_once_take_turns(data):
    with loading._alone(data), (data.home / "load.lock").open("w") as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_the_last_days_are_kept_out_of_the_log_and_moved_with_the_rest(data):
    source = _source(_events(1, 2, 3, 4, 5))
    assert load(source, data, shift_to_now=True, hold_back=2).added == 3
    held = pq.read_table(data.held_back)
    assert [row["event_id"] for row in _logged(data)] == ["e1", "e2", "e3"]
    assert held["event_id"].to_pylist() == ["e4", "e5"]
    assert "arrived_at" not in held.column_names
    assert NOW - DAY < _at(held["event_time"][1].as_py()) <= NOW
    assert load(source, data, shift_to_now=True, hold_back=2).already
