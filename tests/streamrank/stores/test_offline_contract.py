"""Random histories against the contract, row by row."""

from pathlib import Path

import pyarrow as pa
import pytest
from feast import Entity, FeatureService, FeatureStore, ValueType
from feast.types import Int64
from feast_histories import START, answer, feature_store, file_source, user, view, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TTL = 2
LAST = 5
MOMENTS = st.integers(0, LAST)
KEYS = st.sampled_from([0, 0, 1, None])
NAMES = st.sampled_from(["a", "a", "b", None])
TIMES = pa.timestamp("us", "UTC")
EVERYTHING = [
    {"user_id": own, "friend_id": other, "name": name, "event_timestamp": moment}
    for own, other in ((0, 1), (1, 0), (0, None), (None, 0), (2, 2))
    for name in ("a", "b", None)
    for moment in range(-1, LAST + TTL + 2)
]


def history(**keys: st.SearchStrategy) -> st.SearchStrategy[list[dict]]:
    """Rows with ties in e, late corrections and null c; (key, e, c) is unique, as the contract demands."""
    row = st.fixed_dictionaries(
        {**keys, "e": MOMENTS, "c": st.one_of(MOMENTS, st.none()), "value": st.one_of(st.integers(0, 99), st.none())}
    )

    def identity(one: dict) -> tuple:
        return (*(one[key] for key in keys), one["e"], one["e"] if one["c"] is None else one["c"])

    return st.lists(row, min_size=4, max_size=16, unique_by=identity)


def questions() -> st.SearchStrategy[list[dict]]:
    """Every key at every moment, out of order, some of them twice."""
    repeated = st.lists(st.sampled_from(EVERYTHING), max_size=5)
    order = st.randoms(use_true_random=False)
    return st.builds(
        lambda again, shuffle: shuffle.sample([*EVERYTHING, *again], len(EVERYTHING) + len(again)), repeated, order
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


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(users=history(user_id=KEYS), pairs=history(user_id=KEYS, name=NAMES), asked=questions(), cutoff=st.booleans())
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
