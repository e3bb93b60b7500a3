"""Windowed features as of applied positions, which the audit recomputes, held against a count in plain Python."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from windowed_histories import HOUR, START, VIEWS, Asked, counted, edges, fill, histories, view_of, windowed_store

from streamrank.events.shards import NEVER, SHARDS
from streamrank.windows.offline.at_positions import at_positions, at_times
from streamrank.windows.spec import WindowedView

LISTS = pa.list_(pa.int64())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("windows")


@pytest.fixture(scope="module")
def views(folder: Path) -> dict[str, WindowedView]:
    store = windowed_store(folder)
    return {name: view_of(store, name) for name in VIEWS}


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[dict], list[dict]]:
    """Workers that are behind, ahead of the request's instant, or never touched a key."""
    events = draw(histories())
    instants = edges(events)
    position = st.sampled_from(instants) | st.integers(START - HOUR, START + 5 * HOUR) | st.sampled_from([None, NEVER])
    rows = st.fixed_dictionaries({
        "at_us": st.sampled_from(instants), "item_id": st.sampled_from(["a", "b", "never", None]),
        "topic": st.sampled_from(["s", "t", None]), "user_id": st.sampled_from([1, 2]),
        "creator_id": st.sampled_from(["x", "y", None]), "applied": st.lists(position, min_size=3, max_size=3),
    })  # fmt: skip
    return events, draw(st.lists(rows, min_size=1, max_size=40))


@settings(max_examples=12, deadline=None)
@given(question=questions())
def test_every_value_is_a_plain_count_of_the_events_up_to_the_positions(
    folder: Path, views: dict[str, WindowedView], question: tuple[list[dict], list[dict]]
) -> None:
    events, rows = question
    files = fill(folder, events).files()
    for row in rows:
        row["applied"] = _by_shard(row["applied"])
    with duckdb.connect(config={"threads": 1}) as connection:
        for name, view in views.items():
            found = at_positions(connection, view, files, _table(view, rows), [one.name for one in VIEWS[name]])
            for one in VIEWS[name]:
                assert found[one.name].to_pylist() == [_expected(view, one, events, row) for row in rows], one


def test_positions_that_say_what_had_arrived_give_the_values_of_the_time(
    folder: Path, views: dict[str, WindowedView]
) -> None:
    common = {"user_id": 1, "item_id": "a", "creator_id": "x", "topics": ["s"], "f": 0.25}
    events = [{**common, "shard": n % 3, "n": n, "e": START + n * 10**9, "p": START + n * 10**9} for n in range(8)]
    files, view = fill(folder, events).files(), views["item_windows"]
    rows = [{"item_id": "a", "at_us": event["p"], "applied": [event["p"]] * SHARDS} for event in events]
    names = [one.name for one in VIEWS["item_windows"]]
    with duckdb.connect() as connection:
        there = at_positions(connection, view, files, _table(view, rows), names)
        assert there.equals(at_times(connection, view, files, _table(view, rows), names))
    assert there["item_n_sum_0"].to_pylist() == [0, 1, 3, 6, 10, 15, 21, 28]


def test_rows_keep_their_order_and_none_are_no_error(folder: Path, views: dict[str, WindowedView]) -> None:
    view, files = views["item_windows"], fill(folder, []).files()
    rows = [{"item_id": name, "at_us": START, "applied": None} for name in ("b", None, "a")]
    with duckdb.connect() as connection:
        found = at_positions(connection, view, files, _table(view, rows), ["item_n_count_60", "item_f_last_60"])
        nothing = at_positions(connection, view, files, _table(view, rows).slice(0, 0), ["item_n_count_60"])
    assert found["item_n_count_60"].to_pylist() == [0, None, 0] and found["item_f_last_60"].null_count == 3
    assert nothing.num_rows == 0 and nothing["item_n_count_60"].type == pa.int64()


def _by_shard(drawn: list[int | None]) -> list[int | None]:
    """Of shards 0, 3 and 15, in which events lie; nothing of the others."""
    found: list[int | None] = [None] * SHARDS
    found[0], found[3], found[15] = drawn
    return found


def _table(view: WindowedView, rows: list[dict]) -> pa.Table:
    kinds = {"user_id": pa.int64()}
    keys = {name: pa.array([row[name] for row in rows], kinds.get(name, pa.string())) for name in view.join_keys}
    times = pa.array([row["at_us"] for row in rows], pa.int64())
    return pa.table({**keys, "at_us": times, "applied": pa.array([row["applied"] for row in rows], LISTS)})


def _expected(view: WindowedView, one: Asked, events: list[dict], row: dict) -> float | None:
    order = {"item_windows": ("item_id",), "topic_windows": ("topic",), "pair_windows": ("user_id", "creator_id")}
    key = tuple(row[name] for name in order[view.name])

    def counts(event: dict) -> bool:
        position = row["applied"][event["shard"]]
        return position is not None and event["p"] <= position

    return counted(view.name, one, events, key, row["at_us"], counts)
