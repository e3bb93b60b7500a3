"""What a users file says beyond the columns that have a meaning here, as numbers; and all of it as words."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from duckdb import DuckDBPyConnection

from catalog.schema import USERS
from pipelines.profiles import profiles

MOST = 32
"""Traits are numbered in the order of the file, so that the feature repo can declare them for any data set."""


def user_traits(connection: DuckDBPyConnection, users: Path) -> str:
    """SQL of user_id, event_timestamp, created (both 1970-01-01: known always), user_trait_1 to MOST, user_profile.

    Traits are float32. A number is itself; a text is its place among the column's texts, sorted; what the
    file lacks is null. The profile is as `pipelines.profiles` has it.
    """
    found = pq.read_schema(users) if users.exists() else USERS
    further = [field for field in found if field.name not in USERS.names and _is_plain(field.type)][:MOST]
    table = pq.read_table(users, columns=["user_id", *(field.name for field in further)]) if users.exists() else None
    connection.register("trait_rows", table if table is not None else USERS.empty_table().select(["user_id"]))
    connection.register("profile_rows", profiles(users))
    named = [*(_number(field) for field in further), *["NULL"] * (MOST - len(further))]
    columns = ", ".join(f"({value})::FLOAT AS user_trait_{place}" for place, value in enumerate(named, 1))
    return f"""
SELECT user_id, make_timestamptz(0) AS event_timestamp, make_timestamptz(0) AS created, {columns}, user_profile
FROM trait_rows LEFT JOIN profile_rows USING (user_id) ORDER BY user_id"""


def _is_plain(kind: pa.DataType) -> bool:
    return any(is_kind(kind) for is_kind in (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, _is_text))


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _number(field: pa.Field) -> str:
    name = '"' + field.name.replace('"', '""') + '"'
    if not _is_text(field.type):
        return name
    return f"CASE WHEN {name} IS NOT NULL THEN dense_rank() OVER (ORDER BY {name} NULLS FIRST) END"
