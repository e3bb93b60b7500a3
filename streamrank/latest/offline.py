"""Each key's latest acts as of instants of the past, from the event log: linear in instants plus acts.

A key's acts lie one behind the other, in the order of their arrival, so that a list is a span of them: one ASOF join
finds where it ends, and most acts before is where it begins. The lists themselves are cut out of whole columns as
the answer is read, so none is written anywhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from streamrank.latest import rows
from streamrank.latest.spec import KINDS, LatestView, several_shards
from streamrank.windows.rows import KEY_TYPES, quoted

ELEMENTS = 4_000_000  # of the lists of one piece


@dataclass(frozen=True)
class Acts:
    """A table of a connection that holds the acts of some keys: k0, k1, ... in the order of the view's join keys, p
    (the arrival), e (the latest event time of the key's acts up to this one) and v0, v1, ... in the order of the view's
    features; rowid is an act's place, and a key's acts follow each other."""

    view: LatestView
    table: str

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(f"k{place}" for place in range(len(self.view.join_keys)))

    def columns(self, connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> dict[str, pa.Array]:
        """Whole columns of the features `names`; texts as a dictionary."""
        places = {name: f"v{place}" for place, name in enumerate(self.view.columns)}
        listed = ", ".join(places[name] for name in names)
        found = connection.sql(f"SELECT {listed} FROM {self.table} ORDER BY rowid").to_arrow_table()
        return {name: _compact(found[places[name]]) for name in names}


def key_kinds(view: LatestView) -> dict[str, str]:
    """DuckDB's type of each join key."""
    return {key: KEY_TYPES.get(view.key_types[key], "VARCHAR") for key in view.join_keys}


def acts_sql(view: LatestView, files: Sequence[str]) -> str:
    """SELECT of k0, ..., p, event_us, shard and v0, ..., of all acts in the log's `files`."""
    keys = [f"{quoted(key)} AS k{place}" for place, key in enumerate(view.join_keys)]
    values = [f"{quoted(name)} AS v{place}" for place, name in enumerate(view.columns)]
    acts = rows.sql(view, _logged(files)) if files else f"SELECT {_nothing(view)} WHERE false"
    return f"SELECT {', '.join([*keys, 'log_position AS p', 'event_us', 'shard', *values])} FROM ({acts})"


def laid(
    connection: duckdb.DuckDBPyConnection, view: LatestView, files: Sequence[str], asked: str, name: str
) -> Acts:  # fmt: skip
    """The acts that lists of the keys in `asked`, a relation of k0, ... and t, can have in them, as the table `name`:
    those up to a key's latest t, without those that `most` others follow before its first.

    Raises DeclarationError where the acts of a key are of several shards, whose order is not that of their arrival
    at a worker.
    """
    acts = Acts(view, name)
    keys = ", ".join(acts.keys)
    ordered = ", ".join(["p", *(f"v{place}" for place in range(len(view.columns)))])
    within = f"(PARTITION BY {keys} ORDER BY {ordered} ROWS UNBOUNDED PRECEDING)"
    late = f"p > begin OR count(*) FILTER (p <= begin) OVER (PARTITION BY {keys}) - row_number() OVER {within}"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * EXCLUDE (event_us, begin, upto), "
        f"max(event_us) OVER {within} AS e FROM ({acts_sql(view, files)}) "
        f"JOIN (SELECT {keys}, min(t) AS begin, max(t) AS upto FROM {asked} GROUP BY ALL) USING ({keys}) "
        f"WHERE p <= upto QUALIFY {late} < {view.most} ORDER BY {keys}, {ordered}"
    )
    _refuse_shards(connection, acts)
    return acts


def spans_sql(acts: Acts, asked: str, aged: bool = True) -> str:
    """SELECT of g, first and stop, places of the acts that are in the list, p and e of the last of them, of each row of
    `asked` that has any.

    asked: a relation of k0, ..., t and a number g. aged: whether lists older than the view's TTL at t are left out.
    """
    keys = ", ".join(acts.keys)
    equal = "".join(f"l.{key} = r.{key} AND " for key in acts.keys)
    fresh = f" WHERE l.t - r.e <= {acts.view.max_age_us}" if aged and acts.view.max_age_us else ""
    ends = f"SELECT {keys}, p, max(rowid) AS at, max(e) AS e FROM {acts.table} GROUP BY ALL"
    begins = f"SELECT {keys}, min(rowid) AS begin FROM {acts.table} GROUP BY ALL"
    return (
        f"SELECT l.g, greatest(b.begin, r.at + 1 - {acts.view.most}) AS first, r.at + 1 AS stop, r.p, r.e "
        f"FROM (SELECT * FROM {asked}) l ASOF JOIN ({ends}) r ON {equal}l.t >= r.p "
        f"JOIN ({begins}) b ON {equal.replace('r.', 'b.').removesuffix(' AND ')}{fresh}"
    )


def lists(spans: pa.Array, column: pa.Array) -> pa.ListArray:
    """The list of each span, null where it is.

    spans: struct<first, stop: int64> [n], places in `column`.
    """
    known = spans.is_valid().to_numpy(zero_copy_only=False)
    first, stop = (_filled(spans.field(place)) for place in range(2))
    counts = np.where(known, stop - first, 0)
    ends = np.cumsum(counts)
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    places = np.repeat(first - offsets[:-1], counts) + np.arange(offsets[-1])
    values = column.take(pa.array(places))
    values = values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=None if known.all() else pa.array(~known))


def pieces(spans: pa.Array) -> Iterator[slice]:
    """The rows of `spans` in pieces of about ELEMENTS elements, in order; at least one piece."""
    first, stop = (_filled(spans.field(place)) for place in range(2))
    part = np.cumsum(stop - first) // ELEMENTS
    ends = [*(np.flatnonzero(np.diff(part)) + 1).tolist(), len(spans)]
    return map(slice, [0, *ends[:-1]], ends)


def _filled(numbers: pa.Array) -> np.ndarray:
    return numbers.fill_null(0).to_numpy(zero_copy_only=False)


def _compact(column: pa.ChunkedArray) -> pa.Array:
    return (column.dictionary_encode() if pa.types.is_string(column.type) else column).combine_chunks()


def _refuse_shards(connection: duckdb.DuckDBPyConnection, acts: Acts) -> None:
    keys = ", ".join(acts.keys)
    several = f"SELECT {keys} FROM {acts.table} GROUP BY {keys} HAVING min(shard) <> max(shard) LIMIT 1"
    if found := connection.execute(several).fetchall():
        key = dict(zip(acts.view.join_keys, found[0], strict=True))
        raise several_shards(acts.view, str(key))


def _logged(files: Sequence[str]) -> str:
    paths = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    return f"read_parquet([{paths}], union_by_name = true, hive_partitioning = true)"


def _nothing(view: LatestView) -> str:
    stamps = {"log_position": "BIGINT", "event_us": "BIGINT", "shard": "INTEGER"}
    kinds: Mapping[str, str] = key_kinds(view) | stamps | {name: KINDS[kind] for name, kind in view.columns.items()}
    return ", ".join(f"NULL::{kind} AS {quoted(name)}" for name, kind in kinds.items())
