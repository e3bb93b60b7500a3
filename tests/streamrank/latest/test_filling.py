"""Filling rows from the log, key by key."""

import duckdb
import pyarrow as pa
from latest_views import Event, declared, table

from streamrank.latest import filling, rows
from streamrank.latest.appending import appends


def test_each_key_is_in_one_part_with_its_last_acts_and_its_latest_time(monkeypatch):
    monkeypatch.setattr(filling, "ACTS", 30)
    view, users = declared(most=3), [f"{letter}{number}" for letter in "ab" for number in range(10)]
    events = [Event(at, 1_000 - at, users[at % 20], (f"w{at}",)) for at in range(1, 201)]
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("logged", table(events))
        found = list(filling.parts(connection, view, "logged"))
        connection.register("events", table(events))
        whole = rows.table(connection, view)
    assert [(done, total) for done, total, _ in found] == [(200 * n // 7, 200) for n in range(1, 8)]
    parts = [set(part["user_id"].to_pylist()) for _, _, part in found]
    assert sum(map(len, parts)) == len(set().union(*parts)) == 20
    kept = pa.concat_tables(part for _, _, part in found)
    last = {user: sorted(event.position for event in events if event.user == user)[-3:] for user in users}
    for user in users:
        own = [row for row in kept.to_pylist() if row["user_id"] == user]
        assert [row["log_position"] for row in own] == last[user]
        times = [min(event.time_us, event.position) for event in events if event.user == user]
        assert {row["event_us"] for row in own} == {max(times)}
    assert len(appends(view, kept).keys) == 20 and len(kept) == 60 < len(whole) == 200


def test_nothing_makes_no_part():
    with duckdb.connect() as connection:
        connection.register("logged", table([]))
        assert list(filling.parts(connection, declared(), "logged")) == []
