"""The sides of the windowed training set. Each reads the same log and rows, and writes its answer to a Parquet file."""

from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from benchmarks.agreement import same_columns
from benchmarks.spent import spending
from benchmarks.windows import world

MICROSECOND = timedelta(microseconds=1)


def ours(folder: str, answer: str, memory_limit: str, threads: int, rows: int | None = None) -> dict:
    """`get_historical_features(...).to_parquet` over the first `rows` rows, or all."""
    from benchmarks.stores import feature_store

    spill = Path(folder) / "spill"
    spill.mkdir(exist_ok=True)
    limits = {"memory_limit": memory_limit, "threads": threads, "temp_directory": str(spill)}
    store = feature_store("ours", Path(folder), **limits)
    store.apply(world.definitions(Path(folder)))
    asked = [f"{world.VIEW}:{name}" for name in world.names()]
    with spending() as spent:
        store.get_historical_features(world.training_rows(folder, rows), asked).to_parquet(answer)
    return spent.figures()


def range_join(folder: str, answer: str, memory_limit: str, threads: int, rows: int | None = None) -> dict:
    """The naive way: every row joined with the events of its longest window, summed up window by window."""
    with _connected(folder, memory_limit, threads) as con, spending() as spent:
        con.execute(f"create table asked as {world.training_rows(folder, rows)}")
        con.execute(f"copy ({_range_join(folder)}) to '{answer}'")
    return spent.figures()


def looked_up(folder: str, answer: str, sample: int = 1_000) -> bool:
    """Whether `sample` rows of an answer file are what the range join finds for them, and no row is missing."""
    with _connected(folder, "4GB", 2) as con:
        con.execute(f"create table asked as from ({world.training_rows(folder)}) order by hash(row) limit {sample}")
        found = con.sql(_range_join(folder)).to_arrow_table()
        given = con.sql(f"from '{answer}' where row in (select row from asked)").to_arrow_table()
        (counts,) = con.sql(
            f"select (select count(*) from '{answer}'), (select count(*) from '{folder}/rows.parquet')"
        ).fetchall()
    return counts[0] == counts[1] and same_columns(given, found, world.names(), "row")


def agreed(one: str, other: str) -> bool:
    """Whether two answer files are equal, value by value."""
    return same_columns(pq.read_table(one), pq.read_table(other), world.names(), "row")


def _connected(folder: str, memory_limit: str, threads: int) -> duckdb.DuckDBPyConnection:
    spill = str(Path(folder) / "spill-by-hand")
    con = duckdb.connect(config={"memory_limit": memory_limit, "threads": threads, "temp_directory": spill})
    con.execute("set timezone='UTC'")
    return con


def _range_join(folder: str) -> str:
    from streamrank.events.log import EventLog

    files = ", ".join(f"'{file}'" for file in EventLog(Path(folder) / "events").files())
    longest, slide = (part // MICROSECOND for part in world.WINDOWS[-1])
    sums = ", ".join(
        f"coalesce(sum({column}) filter (e >= {_start(window // MICROSECOND, slide // MICROSECOND)}), 0)::float "
        f"as {world.name_of(column, window)}"
        for column in world.COLUMNS
        for window, slide in world.WINDOWS
    )
    rows = "select row, item_id, epoch_us(event_timestamp) as t from asked"
    events = f"select *, epoch_us(event_time) as e from read_parquet([{files}])"
    return (
        f"select row, {sums} from ({rows}) r left join ({events}) v on r.item_id = v.item_id "
        f"and log_position <= t and e >= {_start(longest, slide)} group by row"
    )


def _start(window_us: int, slide_us: int) -> str:
    return f"(t // {slide_us} - {window_us // slide_us}) * {slide_us}"
