"""Latest acts at instants of the past: what a count act by act says, for any events and any instants."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from latest_views import Event, declared, row, table, without_nan

from streamrank.latest.offline import laid, lists, pieces, spans_sql
from streamrank.windows.errors import DeclarationError

USERS = ["ann", "bob", "c"]
EVENT = st.builds(
    lambda gap, ahead, user, words, amount: (gap, ahead, user, tuple(words), amount),
    st.integers(1, 4), st.integers(-50, 5), st.sampled_from([*USERS, None]),
    st.lists(st.sampled_from(["x", "y", "z", "", None]), max_size=3),
    st.none() | st.floats(-1e6, 1e6, width=32),
)  # fmt: skip


def events_of(drawn: list[tuple]) -> list[Event]:
    """With rising positions."""
    events, at = [], 100
    for gap, ahead, user, words, amount in drawn:
        at += gap
        events.append(Event(at, at + ahead, user, words, amount))
    return events


def answers(folder: Path, events: list[Event], asked: list[tuple[str, int]], most: int) -> list[tuple | None]:
    """(e, c, words, amounts, sizes) of each asked key and instant."""
    view, file = declared(most=most), folder / "events.parquet"
    pq.write_table(table(events), file)
    rows = pa.table({"k0": [user for user, _ in asked], "t": [at for _, at in asked], "g": range(len(asked))})
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("asked", rows)
        acts = laid(connection, view, [str(file)], "asked", "acts")
        spans = f"SELECT a.g, s.first, s.stop, s.p, s.e FROM asked a LEFT JOIN ({spans_sql(acts, 'asked')}) s USING (g)"
        found = connection.sql(f"SELECT *, {{'first': first, 'stop': stop}} AS span FROM ({spans}) ORDER BY g")
        found = found.to_arrow_table()
        columns = acts.columns(connection, list(view.columns))
    span = pa.StructArray.from_arrays(
        [found["first"].combine_chunks(), found["stop"].combine_chunks()], ["first", "stop"],
        mask=found["first"].combine_chunks().is_null(),
    )  # fmt: skip
    made = [without_nan(lists(span, columns[name]).to_pylist()) for name in view.columns]
    whole = zip(found["e"].to_pylist(), found["p"].to_pylist(), *made, strict=True)
    return [each if each[1] else None for each in whole]


@settings(max_examples=80, deadline=None)
@given(st.lists(EVENT, max_size=25), st.lists(st.tuples(st.sampled_from(USERS), st.integers(95, 180)), min_size=1,
                                             max_size=12), st.integers(1, 4))  # fmt: skip
def test_a_row_has_the_acts_that_had_arrived_by_then(tmp_path_factory, drawn, asked, most):
    events = events_of(drawn)
    found = answers(tmp_path_factory.mktemp("log"), events, asked, most)
    assert found == [row(events, user, at, most) for user, at in asked]


def test_what_happened_before_but_arrived_later_is_not_known_yet(tmp_path):
    late = [Event(110, 105, "ann", ("first",)), Event(120, 101, "ann", ("late",))]
    assert [found[2] for found in answers(tmp_path, late, [("ann", 119), ("ann", 120)], 3)] == [
        ["first"], ["first", "late"],
    ]  # fmt: skip


def test_acts_that_cannot_be_in_any_list_are_not_kept(tmp_path):
    file = tmp_path / "events.parquet"
    pq.write_table(table([Event(at, at, "ann") for at in range(1, 101)]), file)
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("CREATE TABLE asked AS SELECT 'ann' AS k0, unnest([50, 60]) AS t, 0 AS g")
        laid(connection, declared(most=3), [str(file)], "asked", "acts")
        assert connection.execute("SELECT min(p), max(p) FROM acts").fetchall() == [(48, 60)]


def test_acts_of_a_key_in_two_shards_are_refused(tmp_path):
    apart = table([Event(1, 1, "ann"), Event(2, 2, "ann")]).set_column(1, "shard", pa.array([0, 1], pa.int32()))
    pq.write_table(apart, tmp_path / "events.parquet")
    with duckdb.connect() as connection, pytest.raises(DeclarationError, match=r"one shard.*found several"):
        connection.execute("CREATE TABLE asked AS SELECT 'ann' AS k0, 9 AS t, 0 AS g")
        laid(connection, declared(), [str(tmp_path / "events.parquet")], "asked", "acts")


def test_long_lists_come_in_pieces(monkeypatch):
    monkeypatch.setattr("streamrank.latest.offline.ELEMENTS", 10)
    spans = pa.array([{"first": 0, "stop": 6}, None, {"first": 0, "stop": 6}, {"first": 5, "stop": 6}])
    column = pa.array(list("abcdef")).dictionary_encode()
    found = [lists(spans[piece.start : piece.stop], column).to_pylist() for piece in pieces(spans)]
    assert found == [[list("abcdef"), None], [list("abcdef"), ["f"]]]
    assert [*pieces(spans[:0])] == [slice(0, 0)]
