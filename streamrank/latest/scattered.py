"""Whether a key's acts are of one shard, looked at before a view is applied: later it would stop the stream."""

from pathlib import Path

import duckdb

from streamrank.events.log import EventLog
from streamrank.latest import rows
from streamrank.latest.spec import LatestView, several_shards
from streamrank.windows.rows import quoted


def refuse_scattered(view: LatestView) -> None:
    """DeclarationError where a file of the log has a key of several shards; nothing without a log."""
    files = EventLog(Path(view.source.log)).files()[-1:]
    if not files:
        return
    keys = ", ".join(map(quoted, view.join_keys))
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE VIEW logged AS FROM read_parquet([" + ", ".join(map(_text, files)) + "])")
        found = connection.execute(
            f"SELECT {keys} FROM ({rows.sql(view, 'logged')}) GROUP BY ALL HAVING min(shard) <> max(shard) LIMIT 1"
        ).fetchall()
    if found:
        raise several_shards(view, str(dict(zip(view.join_keys, found[0], strict=True))))


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
