"""Random histories against the contract, row by row."""

from pathlib import Path

import pyarrow as pa
import pytest
from feast import Entity, FeatureService, FeatureStore, ValueType
from feast.types import Int64
from feast_histories import START, answer, feature_store, file_source, user, view, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TTL = 3
MOMENTS = st.integers(0, 8)
KEYS = st.one_of(st.none(), st.integers(0, 2))
NAMES = st.one_of(st.none(), st.sampled_from(["a", "b"]))
TIMES = pa.timestamp("us", "UTC")


def history(**keys: st.SearchStrategy) -> st.SearchStrategy[list[dict]]:
    """Rows with ties in e, late corrections and null c; (key, e, c) is unique, as the contract demands."""
    row = st.fixed_dictionaries(
        {**keys, "e": MOMENTS, "c": st.one_of(st.none(), MOMENTS), "value": st.one_of(st.none(), st.integers(0, 99))}
    )

    def identity(one: dict) -> tuple:
        return (*(one[key] for key in keys), one["e"], one["e"] if one["c"] is None else one["c"])

    return st.lists(row, max_size=14, unique_by=identity)


ASKED = st.lists(
    st.fixed_dictionaries({"user_id": KEYS, "friend_id": KEYS, "name": NAMES, "event_timestamp": MOMENTS}), max_size=12
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    folder = tmp_path_factory.mktemp("histories")
    save([], folder / "users.parquet", {"user_id": pa.int64()})
    save([], folder / "pairs.parquet", {"user_id": pa.int64(), "name": pa.string()})
    place = Entity(name="place", join_keys=["name"], value_type=ValueType.STRING)
    users = view("users", source(folder / "users.parquet"), {"value": Int64}, ttl=TTL)
    pairs = view("pairs", source(folder / "pairs.parquet"), {"value": Int64}, entities=[user, place])
    friends = users.with_name("friends").with_join_key_map({"user_id": "friend_id"})
    service = FeatureService(name="all", features=[users.with_name("members"), friends, pairs])
    return feature_store(folder, [user, place, users, pairs, service])


def source(path: Path):
    return file_source(path, created_timestamp_column="c")


def save(rows: list[dict], path: Path, keys: dict[str, pa.DataType]) -> None:
    schema = pa.schema({**keys, "e": pa.int64(), "c": pa.int64(), "value": pa.int64()})
    table = pa.Table.from_pylist(rows, schema)
    moments = {name: instants(table[name]) for name in ("e", "c")}
    write(path, {name: moments.get(name, table[name]) for name in table.column_names})


def instants(seconds: pa.ChunkedArray) -> pa.ChunkedArray:
    start = int(START.timestamp())
    shifted = [None if value is None else (start + value) * 1_000_000 for value in seconds.to_pylist()]
    return pa.chunked_array([pa.array(shifted, pa.int64()).cast(TIMES)])


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(users=history(user_id=KEYS), pairs=history(user_id=KEYS, name=NAMES), asked=ASKED, cutoff=st.booleans())
def test_every_value_is_the_one_that_the_contract_says(
    store: FeatureStore, users: list[dict], pairs: list[dict], asked: list[dict], cutoff: bool
) -> None:
    folder = Path(store.config.repo_path)
    save(users, folder / "users.parquet", {"user_id": pa.int64()})
    save(pairs, folder / "pairs.parquet", {"user_id": pa.int64(), "name": pa.string()})
    schema = pa.schema([("user_id", pa.int64()), ("friend_id", pa.int64()), ("name", pa.string()),
                        ("event_timestamp", pa.int64())])  # fmt: skip
    rows = pa.Table.from_pylist(asked, schema)
    rows = rows.set_column(3, "event_timestamp", instants(rows["event_timestamp"]))

    found = store.get_historical_features(
        rows, store.get_feature_service("all"), full_feature_names=True, filter_by_created_timestamp=cutoff
    ).to_arrow()

    assert found.select(rows.column_names).equals(rows)
    for name, histories, keys, ttl in (
        ("members__value", users, {"user_id": "user_id"}, TTL),
        ("friends__value", users, {"user_id": "friend_id"}, TTL),
        ("pairs__value", pairs, {"user_id": "user_id", "name": "name"}, 0),
    ):
        expected = [
            answer(
                histories,
                {key: one[column] for key, column in keys.items()},
                one["event_timestamp"],
                "value",
                ttl,
                cutoff,
            )
            for one in asked
        ]
        assert found[name].to_pylist() == expected
