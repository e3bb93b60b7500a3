"""The sides of the point-in-time join. Each takes the same folder and writes its answer as Arrow after measuring."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.agreement import same_columns
from benchmarks.pit import world
from benchmarks.spent import repeated, spending


def feast(side: str, folder: str, answer: str, late: bool, times: int) -> dict:
    """`get_historical_features(...).to_arrow()` of ours or stock; late: with the created cutoff."""
    store = _store(side, Path(folder))
    rows = pq.read_table(Path(folder) / "rows.parquet").to_pandas()
    cutoff = {"filter_by_created_timestamp": True} if late else {}

    def work() -> pa.Table:
        return store.get_historical_features(rows, world.refs(), **cutoff).to_arrow()

    return _measured(work, answer, times)


def by_hand(folder: str, answer: str, late: bool, times: int) -> dict:
    """The same question as one hand-written ASOF statement: the practical limit."""
    rows = pq.read_table(Path(folder) / "rows.parquet").to_pandas()
    con = duckdb.connect(config={"temp_directory": str(Path(folder) / "spill")})
    con.execute("set timezone='UTC'")
    con.register("training", rows)
    statement = _with_cutoff(folder) if late else _plain(folder)
    return _measured(lambda: con.sql(statement).to_arrow_table(), answer, times)


def streamed(folder: str, answer: str, memory_limit: str) -> dict:
    """Ours for tables larger than memory: training rows as SQL, the answer streamed to a Parquet file."""
    spill = Path(folder) / "spill"
    spill.mkdir(exist_ok=True)
    store = _store("ours", Path(folder), memory_limit=memory_limit, temp_directory=str(spill))
    rows = f"select * from read_parquet('{folder}/rows.parquet')"
    with spending() as spent:
        store.get_historical_features(rows, world.refs()).to_parquet(answer)
    return spent.figures()


def looked_up(folder: str, answer: str, sample: int = 1_000) -> bool:
    """Whether `sample` rows of an answer file are what a plain search for each row's latest feature row finds."""
    con = duckdb.connect(config={"memory_limit": "2GB", "temp_directory": str(Path(folder) / "spill")})
    con.execute("set timezone='UTC'")
    rows, total = f"'{folder}/rows.parquet'", f"(select count(*) from '{answer}')"
    con.execute(f"create table training as from {rows} order by hash(row) limit {sample}")
    found = con.execute(f"from training {' '.join(_searched(folder, key) for key in world.VIEWS)}").to_arrow_table()
    given = con.execute(f"from '{answer}' where row in (select row from training)").to_arrow_table()
    complete = con.execute(f"select {total} = (select count(*) from {rows})").fetchone()[0]
    return complete and same_columns(given, found, world.features(), "row")


def _searched(folder: str, key: str) -> str:
    values = ", ".join(f"s.{name}" for name in world.names(key))
    return (
        f"left join (select t.row, {values} from training t join '{folder}/{key}_stats.parquet' s "
        f"on t.{key}_id = s.{key}_id and s.event_timestamp <= t.event_timestamp "
        f"qualify row_number() over (partition by t.row order by s.event_timestamp desc) = 1) {key} using (row)"
    )


def _store(side: str, folder: Path, **offline: object):
    from benchmarks.stores import feature_store

    store = feature_store(side, folder, **offline)
    store.apply(world.definitions(folder))
    return store


def _measured(work: Callable[[], pa.Table], answer: str, times: int) -> dict:
    table, spent = repeated(work, times)
    pq.write_table(table.select(["row", *world.features()]), answer)
    return spent.figures()


def _plain(folder: str) -> str:
    joins = " ".join(
        f"asof left join '{folder}/{key}_stats.parquet' {key} "
        f"on t.{key}_id = {key}.{key}_id and t.event_timestamp >= {key}.event_timestamp"
        for key in world.VIEWS
    )
    return f"select t.*, {_picked()} from training t {joins}"


def _with_cutoff(folder: str) -> str:
    """A row replaces another from the moment it is known, if it is the greatest (e, c) known by then.

    Rows that are hidden when they become known are dropped; over the others a plain ASOF on that moment is exact.
    """
    timelines = ", ".join(f"{key}_known as ({_timeline(folder, key)})" for key in world.VIEWS)
    joins = " ".join(
        f"asof left join {key}_known {key} on t.{key}_id = {key}.{key}_id and t.event_timestamp >= {key}.known"
        for key in world.VIEWS
    )
    return f"with {timelines} select t.*, {_picked()} from training t {joins}"


def _timeline(folder: str, key: str) -> str:
    place = "epoch_us(event_timestamp)::hugeint * 9000000000000000 + epoch_us(created)"
    return (
        f"select *, greatest(event_timestamp, created) known, {place} place from '{folder}/{key}_stats.parquet' "
        f"qualify place = max(place) over (partition by {key}_id order by known) "
    )


def _picked() -> str:
    return ", ".join(f"{key}.{name}" for key in world.VIEWS for name in world.names(key))
