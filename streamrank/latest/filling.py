"""The log's acts in parts of bounded size, key by key: a row is written once, however long its history."""

from collections.abc import Iterator

import duckdb
import pyarrow as pa

from streamrank.latest import rows
from streamrank.latest.spec import LatestView
from streamrank.windows.rows import quoted

ACTS = 1_000_000  # at a time


def parts(
    connection: duckdb.DuckDBPyConnection, view: LatestView, relation: str
) -> Iterator[tuple[int, int, pa.Table]]:
    """How many acts are done with a part, how many there are, and the part: acts of the events in `relation`, as
    `rows.table` gives them, of each key those that are kept, all in one part.

    An act's event_us is here the latest of all acts of its key.
    """
    acts = rows.sql(view, relation)
    ((total,),) = connection.execute(f"SELECT count(*) FROM ({acts})").fetchall()
    count = -(-total // ACTS)
    for number in range(count):
        yield (number + 1) * total // count, total, connection.sql(_part(view, acts, number, count)).to_arrow_table()


def _part(view: LatestView, acts: str, number: int, count: int) -> str:
    keys, order = ", ".join(map(quoted, view.join_keys)), rows.order(view)
    latest_first = ", ".join(f"{column} DESC" for column in order)
    return (
        f"SELECT * REPLACE (max(event_us) OVER (PARTITION BY {keys}) AS event_us) FROM ({acts}) "
        f"WHERE hash({keys}) % {count} = {number} "
        f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {latest_first}) <= {view.most} "
        f"ORDER BY {', '.join([keys, *order])}"
    )
