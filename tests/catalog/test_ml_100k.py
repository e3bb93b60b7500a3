import zipfile
from pathlib import Path

import pytest
from platforms import environment

from catalog import ml_100k
from catalog.errors import InputError
from catalog.sql import query
from streamrank.environment import default_root


@pytest.fixture(scope="session")
def cache() -> Path:
    """The checkout's own cache, so that the data set is fetched once and not for every run."""
    return default_root() / "cache"


@pytest.fixture(scope="session")
def source(cache):
    return ml_100k.source(cache)


def test_a_rating_is_a_view_with_a_value(source):
    assert len(source.events) == 100_000
    first = source.events.to_pylist()[0]
    assert first == {
        "event_id": "196-242", "event_time": 881250949, "event_type": "view",
        "user_id": "196", "item_id": "242", "value": 3.0,
    }  # fmt: skip
    assert len(source.events["event_id"].unique()) == 100_000


def test_a_film_has_its_genres_as_topics_and_its_director_as_creator(source):
    films = {film["item_id"]: film for film in source.items.to_pylist()}
    assert len(films) == 1_682
    assert films["1"] == {
        "item_id": "1", "creator_id": "m.04jspq", "topics": ["Animation", "Children's", "Comedy"],
        "title": "Toy Story", "year": 1995, "kind": "on_demand",
    }  # fmt: skip
    one_director = query("SELECT count(creator_id) AS n FROM films", films=source.items)
    assert one_director["n"].to_pylist() == [1_590]


def test_users_keep_what_is_known_of_them(source):
    assert len(source.users) == 943
    assert source.users.to_pylist()[0] == {
        "user_id": "1", "age": 24, "gender": "M", "occupation": "technician", "zip_code": "85711",
    }  # fmt: skip


def test_what_was_fetched_once_is_read_again_without_a_network(cache, source):
    with environment(PIP_NO_INDEX="1"):
        assert ml_100k.source(cache).fingerprint == source.fingerprint


def test_a_failed_fetch_says_what_was_wanted_and_where_to_put_it(tmp_path):
    with (
        environment(PIP_NO_INDEX="1"),
        pytest.raises(InputError, match=r"could not fetch recbole==1\.2\.1 with pip"),
    ):
        ml_100k.source(tmp_path / "cache")


def test_a_damaged_wheel_is_named(tmp_path):
    (tmp_path / "recbole-1.2.1-py3-none-any.whl").write_bytes(b"not a zip")
    with pytest.raises(InputError, match=r"recbole-1\.2\.1-py3-none-any\.whl is damaged"):
        ml_100k.source(tmp_path)


def test_a_wheel_without_the_data_set_leaves_nothing_half_done(tmp_path):
    with zipfile.ZipFile(tmp_path / "recbole-1.2.1-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{ml_100k.MEMBERS}/ml-100k.inter", "user_id:token\n1\n")
    with pytest.raises(InputError, match="is damaged"):
        ml_100k.fetch(tmp_path)
    assert not (tmp_path / "recbole").exists()
