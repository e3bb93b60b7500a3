from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog import files
from catalog.errors import InputError


@pytest.fixture
def write(tmp_path):
    def write(name: str, content) -> Path:
        file = tmp_path / name
        if isinstance(content, dict):
            pq.write_table(pa.table(content), file)
        else:
            file.write_text(content)
        return file

    return write


def test_events_alone_are_a_source(write):
    found = files.source(write("e.csv", "event_time,user_id\n2024-01-01,7\n"))
    assert found.events.to_pylist() == [{"event_time": "2024-01-01", "user_id": "7"}]
    assert (found.items, found.users, found.notes) == (None, None, ())


@pytest.mark.parametrize("columns", ["event_time,user_id", "item_id,event_time"])
def test_a_time_and_one_key_are_all_that_is_required(write, columns):
    files.source(write("e.csv", f"{columns}\n1,2\n"))


@pytest.mark.parametrize(
    ("columns", "lacking"),
    [
        ("user_id,item_id,at", "event_time"),
        ("event_time,who", "user_id or item_id"),
        ("a,b", "user_id or item_id, event_time"),
    ],
)
def test_a_lacking_column_is_named_with_the_file_and_the_columns_found(write, columns, lacking):
    file = write("my events.csv", columns + "\n" + ",".join("1" * len(columns.split(","))) + "\n")
    with pytest.raises(InputError, match=f"my events.csv: lacks column {lacking}; found {columns.replace(',', ', ')}"):
        files.source(file)


def test_items_and_users_need_their_ids(write):
    events = write("e.csv", "event_time,user_id\n1,2\n")
    nameless = write("t.csv", "title,age\nOne,3\n")
    with pytest.raises(InputError, match=r"t\.csv: lacks column item_id; found title, age"):
        files.source(events, items=nameless)
    with pytest.raises(InputError, match=r"t\.csv: lacks column user_id; found title, age"):
        files.source(events, users=nameless)


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ([1, 2], "integer"),
        ([1.0, None], "integer"),
        ([1.5, None], "string"),
        (["1", "2"], "string"),
        ("1\n-2\n", "integer"),
        ("1\n007\n", "string"),
        ("1\nanna\n", "string"),
        ("12345678901234567890\n", "string"),
    ],
)
def test_ids_are_integers_by_type_or_in_a_csv_by_looks(write, ids, expected):
    if isinstance(ids, str):
        file = write("e.csv", "event_time,user_id\n" + "".join(f"1,{user}\n" for user in ids.split()))
    else:
        file = write("e.parquet", {"event_time": [1] * len(ids), "user_id": ids})
    assert files.source(file).manifest.user_ids == expected


def test_ids_must_be_integers_in_every_file(write):
    events = write("e.csv", "event_time,user_id,item_id\n1,2,3\n")
    assert files.source(events, items=write("i.csv", "item_id\nx1\n")).manifest.item_ids == "string"
    assert files.source(events, items=write("i.csv", "item_id\n4\n")).manifest.item_ids == "integer"


def test_columns_without_a_place_are_noted(write):
    events = write("e.csv", "event_time,user_id,mood,shard\n2024-01-01,2,3,4\n")
    items = write("i.csv", "item_id,colour\n1,red\n")
    assert files.source(events, items, users=write("u.csv", "user_id,mood\n1,good\n")).notes == (
        f"{events}: columns not in the layout were left out: mood",
        f"{items}: columns not in the layout were left out: colour",
    )


def test_the_fingerprint_is_of_the_events(write):
    one = files.source(write("e.csv", "event_time,user_id\n1,2\n"))
    same = files.source(write("again.csv", "event_time,user_id\n1,2\n"), users=write("u.csv", "user_id\n2\n"))
    other = files.source(write("f.csv", "event_time,user_id\n1,3\n"))
    assert one.fingerprint == same.fingerprint != other.fingerprint


def test_small_whole_numbers_are_an_order_and_kept_as_seconds(write):
    found = files.source(write("e.csv", "event_time,user_id,item_id\n 0,1,a\n6147,2,b\n"))
    assert found.manifest.times == "order" and files.ORDER in found.notes
    assert [time.timestamp() for time in found.events["event_time"].to_pylist()] == [0, 6147]
    same = files.source(write("e.parquet", {"event_time": [0, 6147], "user_id": [1, 2]}))
    assert same.manifest.times == "order" and same.events["event_time"].equals(found.events["event_time"])


@pytest.mark.parametrize(
    "times", [["2024-01-01", "1"], ["0.5", "1"], ["874724710", "1"], ["-1", "1"], ["10000000", "1"]]
)
def test_times_that_may_be_instants_stay_what_they_are(write, times):
    found = files.source(write("e.csv", "event_time,user_id\n" + "".join(f"{time},1\n" for time in times)))
    assert found.manifest.times == "instants" and found.events["event_time"].to_pylist() == times


def test_columns_that_a_file_calls_otherwise_are_found(write):
    events = write("e.csv", "ts,userId,movieId,event_time\n2024-01-01,7,9,x\n")
    rules = files.Rules(columns={"user_id": "userId", "item_id": "movieId", "event_time": "when"})
    items = write("i.csv", "movieId,title\n9,Nine\n")
    found = files.source(events, items, rules=rules)
    assert found.events["user_id"].to_pylist() == ["7"] and found.items["item_id"].to_pylist() == ["9"]
    with pytest.raises(InputError, match=r"e\.csv: has a column event_time already; leave it out of --column"):
        files.source(events, rules=files.Rules(columns={"event_time": "ts", "user_id": "userId"}))


def test_what_the_user_says_stands_in_the_manifest(write):
    rules = files.Rules(repeats=True, on_air_hours=1.5)
    manifest = files.source(write("e.csv", "event_time,user_id\n2024-01-01,7\n"), rules=rules).manifest
    assert (manifest.repeats, manifest.on_air_hours, manifest.times) == (True, 1.5, "instants")
    silent = files.source(write("f.csv", "event_time,user_id\n2024-01-01,7\n")).manifest
    assert (silent.repeats, silent.on_air_hours) == (None, None)


def test_a_column_has_one_name_and_is_in_a_file(write):
    events = write("e.csv", "ts,listener,item_id\n2024-01-01,a,b\n")
    twice = {"event_time": "ts", "user_id": "listener", "usr_id": "listener"}
    with pytest.raises(InputError, match=r"e\.csv: --column gives listener the names user_id, usr_id; expected one"):
        files.source(events, rules=files.Rules(columns=twice))
    nowhere = {"event_time": "ts", "user_id": "listener", "watch_ms": "watched"}
    with pytest.raises(InputError, match=r"--column watch_ms=watched: .* found events: event_time, user_id, item_id"):
        files.source(events, rules=files.Rules(columns=nowhere))
    with pytest.raises(InputError, match=r"lacks column event_time; .* --column"):
        files.source(events)
