"""Fetch, put, fields and deletion on one real server."""

import asyncio
import multiprocessing
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest
from packed_values import column, keys, ones, value, values
from redis.exceptions import ConnectionError

from streamrank.stores.connection import ConnectionOptions, connect


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 1_000, 1_001, 2_500])
def test_what_is_put_is_fetched(connection, count):
    asked = keys(count)
    assert connection.put(asked, values(asked)).tolist() == ones(count)
    assert connection.fetch(asked).equals(values(asked))


def test_an_absent_key_is_null_in_its_place(connection):
    connection.put(keys(2), values(keys(2)))
    found = connection.fetch(column([b"nobody", *keys(2).to_pylist(), b"nobody"]))
    assert found.is_null().to_pylist() == [True, False, False, True]


def test_values_of_all_lengths_come_back_whole(connection):
    asked = keys(40)
    stored = column([value(1, 1, b"\r\n\0$" * (size**3)) for size in range(40)])
    assert connection.put(asked, stored).tolist() == ones(40)
    assert connection.fetch(asked[3:30]).equals(stored[3:30])


@pytest.mark.parametrize("count", [1, 1_001, 2_500])
def test_what_is_done_meanwhile_is_done_once_and_the_values_are_the_same(connection, count):
    asked, done = keys(count), []
    connection.put(asked, values(asked))
    assert connection.fetch(asked, lambda: done.append(count)).equals(values(asked))
    assert done == [count]


def test_an_error_of_another_server_meanwhile_is_raised_as_it_is_and_nothing_is_tried_again(connection):
    done, error = [], ConnectionError("another server")

    def fail():
        done.append("once")
        raise error

    with pytest.raises(ConnectionError) as raised:
        connection.fetch(keys(3), fail)
    assert raised.value is error and done == ["once"]
    assert connection.put(keys(3), values(keys(3))).tolist() == ones(3)


def test_an_error_meanwhile_leaves_no_reply_for_the_next_to_read(connection):
    asked = keys(1_500)
    connection.put(asked, values(asked))
    with pytest.raises(ZeroDivisionError):
        connection.fetch(asked, lambda: 1 / 0)
    assert connection.fetch(asked[7:9]).equals(values(asked)[7:9])


def test_a_slice_is_put_as_itself(connection):
    asked = keys(10)
    connection.put(asked[2:5], values(asked)[2:5])
    assert connection.fetch(asked).is_valid().to_pylist() == [False] * 2 + [True] * 3 + [False] * 5


def test_a_row_expires_after_its_milliseconds_and_others_never(connection, server):
    asked = keys(3)
    connection.put(asked, values(asked), np.array([80_000, 0, 1]))
    client, (first, second, third) = server.client(), asked.to_pylist()
    assert 70_000 < client.pttl(first) <= 80_000
    assert client.pttl(second) == -1
    while client.exists(third):
        pass
    connection.put(asked, values(asked))
    assert client.pttl(first) == -1


@pytest.mark.parametrize(
    "arguments",
    [
        (keys(2), values(keys(1))),
        (keys(1), column([b"too short"])),
        (keys(1), values(keys(1)), np.array([-1])),
        (keys(1), values(keys(1)), np.array([1, 1])),
        (column([None]), values(keys(1))),
        (keys(1).cast(pa.binary()), values(keys(1))),
    ],
)
def test_what_cannot_be_put_is_refused(connection, arguments):
    with pytest.raises(ValueError, match="expected"):
        connection.put(*arguments)


def test_fields_are_kept_side_by_side(connection):
    connection.set_fields(b"streamrank:p:v!layouts", {b"1": b"one", b"2": b"two"})
    connection.set_fields(b"streamrank:p:v!layouts", {b"2": b"second"})
    assert connection.get_fields(b"streamrank:p:v!layouts") == {b"1": b"one", b"2": b"second"}
    assert connection.get_fields(b"streamrank:p:w!layouts") == {}


@pytest.mark.parametrize("prefix", [b"streamrank:p:v:", b"streamrank:*:v:", b"a[b]?\\^-:"])
def test_exactly_the_keys_of_a_prefix_are_deleted(connection, prefix):
    doomed, kept = keys(2_500, prefix), column([b"streamrank:p:v", b"streamrank:q:v:1", b"ab:1", b"x" + prefix])
    for each in (doomed, kept):
        connection.put(each, values(each))
    assert connection.delete_prefix(prefix) == 2_500
    assert connection.fetch(doomed).null_count == 2_500
    assert connection.fetch(kept).null_count == 0


def test_threads_get_their_own_answers(connection):
    asked = keys(4_000)
    connection.put(asked, values(asked))
    parts = [asked[start : start + 50] for start in range(0, 4_000, 50)] * 3
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(connection.fetch, parts))
    assert all(each.equals(values(part)) for each, part in zip(found, parts, strict=True))


class Interrupted(BaseException):
    pass


def interrupt(*_) -> None:
    raise Interrupted


def test_an_interrupted_read_leaves_no_reply_for_the_next(connection):
    asked, other, interrupted = keys(20_000), keys(50, start=50_000), 0
    for each in (asked, other):
        connection.put(each, values(each))
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for number in range(1, 40):
            try:
                signal.setitimer(signal.ITIMER_REAL, number / 2_000)
                connection.fetch(asked)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Interrupted:
                interrupted += 1
            assert connection.fetch(other).equals(values(other))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert interrupted > 5


def test_a_forked_process_goes_on_with_connections_of_its_own(connection):
    asked = keys(100)
    connection.put(asked, values(asked))
    answers = multiprocessing.get_context("fork").SimpleQueue()

    def child() -> None:
        answers.put([connection.fetch(asked).equals(values(asked)) for _ in range(50)])

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    assert all(connection.fetch(asked).equals(values(asked)) for _ in range(50))
    assert all(answers.get())
    process.join()


def test_a_closed_connection_opens_again(connection):
    connection.put(keys(1), values(keys(1)))
    connection.close()
    assert connection.fetch(keys(1)).null_count == 0


def test_a_server_that_closed_an_idle_connection_is_connected_to_again(connection, server):
    connection.put(keys(1), values(keys(1)))
    server.client().client_kill_filter(_type="normal", skipme=True)
    assert connection.fetch(keys(1)).null_count == 0


@pytest.mark.parametrize("options", ["health_check_interval=1", "protocol=3", "max_connections=1,socket_timeout=5"])
def test_redis_py_s_options_do_no_harm(server, options):
    connection, asked = connect(ConnectionOptions.parse(f"{server.address},{options}")), keys(5_000)
    for _ in range(3):
        assert connection.put(asked, values(asked)).tolist() == ones(5_000)
        assert connection.fetch(asked).equals(values(asked))
        assert asyncio.run(connection.fetch_async(asked)).equals(values(asked))
    connection.set_fields(b"streamrank:p:v!layouts", {b"id": b"layout"})
    assert connection.get_fields(b"streamrank:p:v!layouts") == {b"id": b"layout"}
    connection.close()


def test_a_unix_socket_serves_as_well(server):
    connection = connect(ConnectionOptions.parse(f"unix://{server.socket},db=1"))
    connection.put(keys(3), values(keys(3)))
    assert connection.fetch(keys(3)).equals(values(keys(3)))
    assert server.client(db=1).dbsize() == 3
    connection.close()
