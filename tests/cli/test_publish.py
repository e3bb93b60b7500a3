"""`streamrank publish` and `streamrank simulate` as they are typed."""

import json

import pyarrow.parquet as pq
import pytest
import typer
from platforms import environment
from running_intake import event, on_the_bus, place_at
from typer.testing import CliRunner, Result

from cli import publish, simulate


@pytest.fixture
def place(tmp_path):
    from streamrank import embedded

    made = place_at(tmp_path)
    yield made
    with made.entered():
        embedded.down()


@pytest.fixture
def run(place):
    app = typer.Typer()
    app.command()(publish.publish)
    app.command()(simulate.simulate)

    def typed(*arguments: object) -> Result:
        with place.entered(COLUMNS="160"):
            return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return typed


def counts(said: Result) -> dict[str, int]:
    rows = [line.replace(",", "").rsplit(maxsplit=1) for line in said.output.splitlines()]
    return {row[0].strip(): int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}


def test_a_csv_is_published_once(run, place):
    file = place.root / "events.csv"
    file.write_text("event_time,user_id,item_id\n2024-03-01T19:00:00Z,anna,m\n2024-03-01T19:00:01Z,ben,x\n")
    first = run("publish", file)
    assert first.exit_code == 0, first.output
    assert counts(first) == {"taken": 2, "of unknown items": 1, "duplicates": 0, "refused": 0}
    found = {each["user_id"]: each for each in on_the_bus(place).values()}
    assert (found["anna"]["creator_id"], found["anna"]["topics"]) == ("c", ["news"])
    again = run("publish", file)
    assert again.exit_code == 0
    assert counts(again)["duplicates"] == 2


def test_json_lines_are_published_and_what_is_wrong_is_counted_named_and_kept(run, place):
    good, bad = event(topics=["a"], attributes={"x": 1}), event(watch_ms=-1)
    lines = [json.dumps(good), "{broken", "", "[1]", json.dumps(bad), json.dumps(event(mood="fine"))]
    file = place.root / "events.jsonl"
    file.write_text("\n".join(lines))
    said = run("publish", file)
    assert said.exit_code == 1
    assert counts(said) == {
        "taken": 2, "of unknown items": 0, "duplicates": 0, "refused": 3,
        "refused: unreadable line": 2, "refused: negative watch_ms": 1,
    }  # fmt: skip
    assert "left out: mood" in said.output
    assert on_the_bus(place)[good["event_id"]]["topics"] == ["a"]
    kept = [row for file in (place.root / "tv" / "quarantine").glob("*") for row in pq.read_table(file).to_pylist()]
    assert {(row["reason"], row["line"] or row["watch_ms"]) for row in kept} == {
        ("unreadable line: line 2 is no JSON object", "{broken"),
        ("unreadable line: line 4 is no JSON object", "[1]"),
        ("negative watch_ms: -1", "-1"),
    }


def test_rows_are_counted_over_the_whole_file(run, place, monkeypatch):
    monkeypatch.setattr("catalog.offers.ROWS", 3)
    file = place.root / "events.jsonl"
    file.write_text("\n".join(json.dumps(event(event_type="zap" if number == 7 else "view")) for number in range(10)))
    assert counts(run("publish", file))["taken"] == 9
    (kept,) = (place.root / "tv" / "quarantine").glob("*")
    assert pq.read_table(kept)["row"].to_pylist() == ["7"]


def test_a_file_without_events_is_refused_with_what_was_expected(run, place):
    from catalog.errors import InputError

    file = place.root / "other.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="lacks column user_id or item_id, event_time; found a, b"):
        raise run("publish", file).exception


def test_a_bus_that_stays_full_ends_it(run, place):
    from streamrank.events.bus import BusFull

    file = place.root / "events.jsonl"
    file.write_text("\n".join(json.dumps(event(user_id=f"u{number}")) for number in range(2_000)))
    with environment(STREAMRANK_BUS_LIMIT_BYTES="10000", STREAMRANK_BUS_PATIENCE="PT0.05S"):
        run("publish", file, "--patience", "0")
        with pytest.raises(BusFull, match="streamrank stream"):
            raise run("publish", file, "--patience", "0").exception


def test_a_simulation_is_published_in_real_time(run, place):
    said = run("simulate", "--rate", 200, "--seconds", 2, "--users", 50, "--creators", 1_000, "--titles", 5)
    assert said.exit_code == 0, said.output
    found = on_the_bus(place).values()
    assert f"{len(found):,} taken, 0 duplicates, 0 refused" in said.output
    assert {"impression", "item_start", "item_update"} <= {each["event_type"] for each in found}
    shown = [each for each in found if each["event_type"] == "impression"]
    assert all(each["creator_id"] and each["topics"] for each in shown)


def test_a_simulation_is_written_as_files(run, place):
    said = run("simulate", "--rate", 50, "--seconds", 5, "--users", 50, "--out", place.root / "made")
    assert said.exit_code == 0, said.output
    assert "streamrank dataset files --events" in said.output
    assert {path.name for path in (place.root / "made").iterdir()} == {
        "events.parquet", "items.parquet", "users.parquet",
    }  # fmt: skip
