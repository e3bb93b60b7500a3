"""A point-in-time question as one statement: every view joined as of the rows' times, in their order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import pyarrow as pa
from feast.types import FeastType

from streamrank.stores.history.asof import Rows, chosen_sql, reached_types, values_sql
from streamrank.stores.history.connecting import quoted
from streamrank.stores.history.entity_rows import EntityRows
from streamrank.stores.history.errors import HistoryError
from streamrank.stores.history.latest import histories
from streamrank.stores.history.parts import Part
from streamrank.stores.history.sources import Relation, read
from streamrank.stores.history.windowed import windowed_tables


@dataclass(frozen=True)
class Answer:
    """sql: the statement. given: columns that stand before. declared: type and place of columns with a Field.

    histories: by column that is given as spans of acts, the acts' values; see `history.latest`.
    """

    sql: str
    given: pa.Table | None
    declared: Mapping[str, tuple[FeastType, str]]
    histories: Mapping[str, pa.Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """parts: what is asked. reached: views through which keys are reached first, in order."""

    rows: EntityRows
    parts: Sequence[Part]
    reached: Sequence[Part]
    cutoff: bool
    repo_path: Path | str | None

    def __post_init__(self) -> None:
        outputs = [*self.rows.columns, *(feature.output for part in self.parts for feature in part.features)]
        twice = sorted({name for name in outputs if outputs.count(name) > 1})
        if twice:
            raise HistoryError(
                f"columns {', '.join(map(repr, twice))}: expected each name once among entity rows and features, "
                f"found it twice; rename the column of the entity rows or ask for full_feature_names"
            )

    def answer(self, connection: duckdb.DuckDBPyConnection) -> Answer:
        keys = [key.given for part in (*self.reached, *self.parts) for key in part.keys]
        rows = self.rows.lay(connection, keys)
        tables: list[str] = []
        sources = dict.fromkeys(self.rows.columns, rows)
        for place, part in enumerate(self.reached):
            relation = self._read(connection, part)
            tables += self._joined(part, relation, self._left(rows, sources, part), f"reached_{place}")
            found = Rows(f"reached_{place}", reached_types(part, relation))
            sources |= dict.fromkeys(found.types, found)
        reached, columns = list(tables), {}
        for place, part in enumerate(self.parts):
            left = self._left(rows, sources, part)
            if part.windows:
                tables += windowed_tables(connection, part, left, self.repo_path, f"values_{place}")
            elif part.latest:
                found = histories(connection, part, left, reached, self.repo_path, f"values_{place}")
                tables, columns = tables + found.tables, columns | found.columns
            else:
                tables += self._joined(part, self._read(connection, part), left, f"values_{place}")
        return Answer(self._statement(rows, tables), self.rows.table, self._declared(), columns)

    def _read(self, connection: duckdb.DuckDBPyConnection, part: Part) -> Relation:
        try:
            return read(connection, part.source, self.repo_path, part.columns)
        except HistoryError as error:
            raise HistoryError(f"view {part.view!r}: {error}") from error

    def _joined(self, part: Part, relation: Relation, rows: Rows, name: str) -> list[str]:
        chosen = f"{name}_chosen"
        return [
            f"{chosen} AS MATERIALIZED ({chosen_sql(part, relation, rows, self.cutoff)})",
            f"{name} AS MATERIALIZED ({values_sql(part, relation, chosen)})" if name.startswith("reached") else
            f"{name} AS NOT MATERIALIZED ({values_sql(part, relation, chosen)})",
        ]  # fmt: skip

    def _left(self, rows: Rows, sources: Mapping[str, Rows], part: Part) -> Rows:
        """The entity rows with the reached keys that `part` needs beside their own."""
        wanted = {key.given: sources[key.given] for key in part.keys if sources[key.given] is not rows}
        columns = "".join(f", {found.sql}.{quoted(key)}" for key, found in wanted.items())
        joins = "".join(
            f" LEFT JOIN {name} ON rows.__row = {name}.__row"
            for name in dict.fromkeys(found.sql for found in wanted.values())
        )
        types = rows.types | {key: found.types[key] for key, found in wanted.items()}
        return (
            replace(rows, sql=f"(SELECT rows.*{columns} FROM {rows.sql} rows{joins})", types=types) if wanted else rows
        )

    def _statement(self, rows: Rows, tables: Sequence[str]) -> str:
        own = [] if self.rows.table is not None else [f"rows.{quoted(name)}" for name in self.rows.columns]
        features = [
            f"values_{place}.{quoted(feature.output)}"
            for place, part in enumerate(self.parts)
            for feature in part.features
        ]
        joins = "".join(
            f" LEFT JOIN values_{place} ON rows.__row = values_{place}.__row" for place in range(len(self.parts))
        )
        asked = ", ".join([*own, *features]) or "rows.__row"
        common = f"WITH {', '.join(tables)} " if tables else ""
        return f"{common}SELECT {asked} FROM {rows.sql} rows{joins} ORDER BY rows.__row"

    def _declared(self) -> dict[str, tuple[FeastType, str]]:
        return {
            feature.output: (feature.dtype, part.where(part.column(feature.name)))
            for part in self.parts
            for feature in part.features
            if feature.dtype is not None
        }
