"""What a source's SQL may say, and what it is refused for."""

import pyarrow as pa
import pytest
from feast import ValueType
from windowed_views import STAMPS

from streamrank.events.log import EventLog
from streamrank.windows import per_event
from streamrank.windows.errors import DeclarationError
from streamrank.windows.source import EventSource

KNOWN = {"item_id": "VARCHAR", "event_type": "VARCHAR", "topics": "VARCHAR[]", "watch_ms": "BIGINT", "value": "DOUBLE"}


def source(sql: str, log: str = "/nowhere", **options) -> EventSource:
    return EventSource(name="clicks", log=log, sql=sql, **options)


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT {STAMPS}, item_id, CASE WHEN event_type = 'view' THEN 1 END AS views FROM events",
        f"SELECT {STAMPS}, unnest(topics) AS topic, watch_ms FROM events WHERE item_id IS NOT NULL;",
        f"SELECT {STAMPS}, t.topic FROM events, unnest(topics) AS t(topic)",
        f"SELECT {STAMPS}, t.topic FROM events e CROSS JOIN unnest(e.topics) AS t(topic)",
        f"SELECT {STAMPS}, topics[1] AS topic, len(list_filter(topics, lambda t: t <> 'x')) AS n FROM events -- yes",
        f"FROM events SELECT {STAMPS}, hour(event_time) AS hour, coalesce(watch_ms, 0) // 1000 AS seconds",
        "SELECT events.event_time, events.shard, log_position AS log_position, value * 2 AS twice FROM events",
    ],
)
@pytest.mark.parametrize("known", [KNOWN, None])
def test_a_select_of_one_event_at_a_time_runs(sql, known):
    assert set(per_event.checked(source(sql, columns=known))) >= {"event_time", "shard", "log_position"}


def test_types_are_known_where_the_columns_are():
    sql = f"SELECT {STAMPS}, item_id, watch_ms / 1000 AS seconds, 1 AS one, topics[1] AS topic FROM events"
    given = per_event.checked(source(sql, columns=KNOWN))
    assert list(given) == ["event_time", "shard", "log_position", "item_id", "seconds", "one", "topic"]
    assert list(given.values())[2:] == ["BIGINT", "VARCHAR", "DOUBLE", "INTEGER", "VARCHAR"]


def test_types_that_depend_on_unknown_columns_are_unknown():
    columns = "value, value + 1 AS more, CASE WHEN kind = 'a' THEN 1 END AS one, value::BIGINT AS n"
    sql = f"SELECT {STAMPS}, {columns} FROM events"
    given = per_event.checked(source(sql))
    assert [*given.values()][3:] == [per_event.UNKNOWN, per_event.UNKNOWN, "INTEGER", "BIGINT"]


def test_columns_come_from_the_log_where_there_is_one(tmp_path):
    instant = pa.array([0], pa.timestamp("us", "UTC"))
    stamps = {"shard": pa.array([1], pa.int32()), "log_position": pa.array([1])}
    EventLog(tmp_path).append(
        pa.table({"arrived_at": instant, "event_time": instant, **stamps, "price": [1.5]}), "x", 1
    )
    given = per_event.checked(source(f"SELECT {STAMPS}, price FROM events", str(tmp_path)))
    assert given["price"] == "DOUBLE"
    with pytest.raises(DeclarationError, match=r"columns.*'price'.*found.*prize"):
        per_event.checked(source(f"SELECT {STAMPS}, prize FROM events", str(tmp_path)))


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELEC event_time", "parses"),
        (f"SELECT {STAMPS} FROM events; SELECT 1", "one SELECT"),
        ("CREATE TABLE events (a INT)", "parses"),
        (f"SELECT {STAMPS} FROM events UNION ALL SELECT {STAMPS} FROM events", "SET_OPERATION"),
        (f"SELECT {STAMPS}, sum(watch_ms) AS s FROM events", "sum"),
        (f"SELECT {STAMPS}, count(*) AS s FROM events GROUP BY ALL", "GROUP BY"),
        (f"SELECT {STAMPS} FROM events GROUP BY {STAMPS}", "GROUP BY"),
        (f"SELECT DISTINCT {STAMPS} FROM events", "DISTINCT"),
        (f"SELECT {STAMPS} FROM events ORDER BY 1", "ORDER"),
        (f"SELECT {STAMPS} FROM events LIMIT 5", "LIMIT"),
        (f"SELECT {STAMPS}, row_number() OVER () AS n FROM events", "WINDOW"),
        (f"SELECT {STAMPS} FROM events QUALIFY row_number() OVER () = 1", "QUALIFY"),
        (f"SELECT {STAMPS} FROM events USING SAMPLE 10%", "SAMPLE"),
        (f"SELECT {STAMPS} FROM events TABLESAMPLE 10%", "FROM"),
        (f"WITH e AS (SELECT 1) SELECT {STAMPS} FROM events", "WITH"),
        (f"SELECT {STAMPS}, (SELECT 1) AS one FROM events", "SUBQUERY"),
        (f"SELECT {STAMPS} FROM (SELECT * FROM events)", "SUBQUERY"),
        (f"SELECT {STAMPS} FROM events JOIN items USING (item_id)", "items"),
        (f"SELECT {STAMPS} FROM events, events AS others", "events, events"),
        (f"SELECT {STAMPS} FROM other.events", "FROM"),
        (f"SELECT {STAMPS} FROM read_parquet('x')", "read_parquet"),
        ("SELECT 1 AS event_time, 2 AS shard, 3 AS log_position", "nothing"),
        ("SELECT * FROM events", r"\*"),
        (f"SELECT {STAMPS}, random() AS r FROM events", "random"),
        (f"SELECT {STAMPS}, now() AS r FROM events", "now"),
        (f"SELECT {STAMPS}, current_date AS r FROM events", "current_date"),
        (f"SELECT {STAMPS}, age(event_time) AS r FROM events", "age"),
        (f"SELECT {STAMPS}, list_transform(topics, lambda t: random()) AS r FROM events", "random"),
        ("SELECT shard, log_position FROM events", "event_time"),
        ("SELECT event_time, log_position FROM events", "shard"),
        ("SELECT event_time, 1 AS shard, log_position FROM events", "shard"),
        ("SELECT event_time, shard, log_position + 1 AS log_position FROM events", "log_position"),
        ("SELECT event_time, log_position AS shard, log_position FROM events", "shard"),
        (f"SELECT {STAMPS}, value AS item_id, item_id FROM events", "item_id"),
        (f"SELECT {STAMPS}, no_such_function(value) AS x FROM events", "no_such_function"),
    ],
)
def test_anything_else_is_refused_with_the_source_and_the_remedy(sql, told):
    with pytest.raises(DeclarationError, match=rf"(?s)source 'clicks', sql: expected .*{told}.*;"):
        per_event.checked(source(sql))


def test_feast_learns_types_that_it_knows():
    assert per_event.value_type("VARCHAR") == ValueType.STRING
    assert per_event.value_type("INTEGER") == ValueType.INT64
    assert per_event.value_type("STRUCT(a INTEGER)") == ValueType.UNKNOWN
