"""What is stored of a key: how much, how it is changed, and for how long."""

import itertools
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import redis
from windowed_cases import COLUMNS, WANTED, batches, check, event, ranges, whole_view
from windowed_views import SECOND, Tiles, aggregation, connected, stream_view, windowed_view
from windows_reference import Wanted, float32, value

from streamrank.windows.finishing import finish

prefixes = (b"test_values:%d:" % number for number in itertools.count())


@pytest.fixture(scope="module")
def connection(redis_server: str):
    found = connected(redis_server)
    yield found
    found.close()


@pytest.fixture(scope="module")
def view():
    return whole_view()


@pytest.fixture
def tiles(connection, view) -> Tiles:
    return Tiles(connection, view, COLUMNS, next(prefixes))


def test_rings_keep_a_window_the_open_tile_and_a_spare(tiles):
    sizes = []
    for second in range(60):
        tiles.merge([event("a", 0, second, second + 1, views=1)], {0: second + 1}, {0: second + 1})
        sizes.append(len(tiles.values(["a"])[0].as_py()))
    assert len(set(sizes[20:])) <= 2  # a ring of seconds stays full, one of four seconds changes with its open tile
    assert max(sizes) < 2_400


def test_a_busy_key_is_changed_in_place(redis_server, tiles):
    own = [event("a", n % 16, 30 + n // 8, n, views=n, price=n / 100, score=float(-n), seen=1) for n in range(1, 97)]
    tiles.merge(own[:64], dict.fromkeys(range(16), 1), dict.fromkeys(range(16), 64))
    size, written = len(tiles.values(["a"])[0].as_py()), parts_written(redis_server)
    for n in range(64, 96):
        own[n] = event("a", n % 16, 32 + n % 4, n + 1, views=n, price=1.5, score=float(n))
        tiles.merge([own[n]], {n % 16: n + 1}, {n % 16: n + 1})
        assert len(tiles.values(["a"])[0].as_py()) == size
    assert parts_written(redis_server) > written
    check(tiles, own, 38 * SECOND)


def parts_written(url: str) -> int:
    with redis.from_url(url) as client:
        return client.info("commandstats").get("cmdstat_setrange", {}).get("calls", 0)


def test_idle_keys_expire_after_the_longest_window_and_two_slides(connection, redis_server):
    windowed = [wanted for wanted in WANTED if wanted.window_us]
    view = windowed_view(
        stream_view([aggregation(each) for each in windowed], ", ".join(COLUMNS), scales={"price": 0.01})
    )
    tiles = Tiles(connection, view, COLUMNS, next(prefixes))
    longest = view.ttl_us // 1_000
    assert longest == 20_000
    tiles.merge([event("a", 0, 5, 1)], {0: 1}, {0: 1}, expires=True)
    tiles.merge([event("b", 0, 5, 1)], {0: 1}, {0: 1}, expires=False)
    with redis.from_url(redis_server) as client:
        left = [client.pttl(tiles.key(key)) for key in ("a", "b")]
        assert longest - 5_000 < left[0] <= longest * 17 // 16
        assert left[1] == -1
        client.pexpire(tiles.key("a"), 1_000)
        tiles.merge([event("a", 0, 5, 2)], {0: 2}, {0: 2}, expires=True)
        assert client.pttl(tiles.key("a")) > longest - 5_000


def test_a_key_that_is_changed_in_place_expires_as_late(connection, redis_server):
    windowed = [wanted for wanted in WANTED if wanted.window_us]
    declared = stream_view([aggregation(each) for each in windowed], ", ".join(COLUMNS), scales={"price": 0.01})
    tiles = Tiles(connection, windowed_view(declared), COLUMNS, next(prefixes))
    own = [event("a", 0, second, second, views=1) for second in range(1, 12)]
    tiles.merge(own, {0: 1}, {0: 11}, expires=True)
    with redis.from_url(redis_server) as client:
        client.pexpire(tiles.key("a"), 1_000)
        written = parts_written(redis_server)
        tiles.merge([event("a", 0, 11, 12, views=1)], {0: 12}, {0: 12}, expires=True)
        assert parts_written(redis_server) > written
        assert client.pttl(tiles.key("a")) > 15_000


def test_a_key_with_a_lifetime_never_expires(connection, redis_server, tiles):
    assert tiles.view.ttl_us == 0
    tiles.merge([event("a", 0, 5, 1)], {0: 1}, {0: 1}, expires=True)
    with redis.from_url(redis_server) as client:
        assert client.pttl(tiles.key("a")) == -1


def test_a_key_of_a_user_and_a_topic_with_three_live_tiles_is_small(connection):
    hour = 3_600 * SECOND
    windows = [(hour, hour // 12), (24 * hour, hour), (168 * hour, 6 * hour)]
    wanted = [Wanted(f"{f}_{c}_{w}", f, c, w, s) for w, s in windows for f, c in (("count", "views"), ("sum", "seen"))]
    view = windowed_view(stream_view([aggregation(each) for each in wanted], ", ".join(COLUMNS)))
    tiles = Tiles(connection, view, COLUMNS, next(prefixes))
    tiles.merge([event("a", 7, 5, 1, views=1, seen=90_000)], {7: 1}, {7: 1})
    (value_,) = tiles.values(["a"]).to_pylist()
    assert len(value_) == 72


def test_a_view_of_lifetimes_alone_has_no_tiles(connection):
    wanted = [Wanted("now", "sum", "views"), Wanted("last", "last", "score"), Wanted("n", "count", "views")]
    view = windowed_view(stream_view([aggregation(each) for each in wanted], ", ".join(COLUMNS)))
    tiles = Tiles(connection, view, COLUMNS, next(prefixes))
    own = [event("a", n % 2, 9 - n, n + 1, views=(1, 1, -1)[n % 3], score=float(n)) for n in range(8)]
    for batch in batches(own, [3, 5]):
        tiles.merge(batch, *ranges(batch))
    found = finish(view, tiles.values(["a", "b"]), ["now", "last", "n"], 0)
    np.testing.assert_array_equal(found, np.array([[4, 0, 8], [0, np.nan, 0]], np.float32))


def test_a_view_of_hundreds_of_columns(connection):
    names = [f"c{number}" for number in range(150)]
    wanted = [Wanted(f"{f}_{c}", f, c, 5 * SECOND, SECOND) for c in names for f in ("count", "sum", "last")]
    wanted += [Wanted(f"ever_{c}", "max", c) for c in names]
    view = windowed_view(stream_view([aggregation(each) for each in wanted], ", ".join(names)))
    tiles = Tiles(connection, view, dict.fromkeys(names, pa.int64()), next(prefixes))
    own = [event("a", 0, n, n, **{c: n * place for place, c in enumerate(names)}) for n in (1, 2, 3, 3, 3)]
    own = [replace(one, position=n) for n, one in enumerate(own, start=1)]
    for n, one in enumerate(own, start=1):
        tiles.merge([one], {0: n}, {0: n})
    found = finish(view, tiles.values(["a"]), [each.name for each in wanted], 4 * SECOND)
    np.testing.assert_array_equal(found[0], [float32(value(own, "a", each, 4 * SECOND)) for each in wanted])
