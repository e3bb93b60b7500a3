"""The same on an event loop, and on the one after it."""

import asyncio

import pytest
from packed_values import column, keys, ones, value, values
from platforms import free_port

from streamrank.stores.connection import ConnectionOptions, StoreUnreachable, connect


def test_every_method_has_its_twin(connection):
    async def talk() -> None:
        asked = keys(2_500)
        assert (await connection.put_async(asked, values(asked))).tolist() == ones(2_500)
        assert (await connection.fetch_async(asked)).equals(values(asked))
        assert (await connection.put_async(keys(1), column([value(0, 0)]))).tolist() == [0]
        await connection.set_fields_async(b"streamrank:p:v!layouts", {b"id": b"layout"})
        assert await connection.get_fields_async(b"streamrank:p:v!layouts") == {b"id": b"layout"}
        assert await connection.delete_prefix_async(b"streamrank:") == 2_501
        await connection.close_async()

    asyncio.run(talk())


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_loop_that_ended_does_not_break_the_next(connection):
    connection.put(keys(10), values(keys(10)))
    for _ in range(3):
        assert asyncio.run(connection.fetch_async(keys(10))).equals(values(keys(10)))
    assert connection.fetch(keys(10)).equals(values(keys(10)))


def test_many_at_once_get_their_own_answers(connection):
    asked = keys(2_000)
    connection.put(asked, values(asked))
    parts = [asked[start : start + 40] for start in range(0, 2_000, 40)]

    async def talk() -> list:
        found = await asyncio.gather(*map(connection.fetch_async, parts))
        await connection.close_async()
        return found

    assert all(found.equals(values(part)) for found, part in zip(asyncio.run(talk()), parts, strict=True))


def test_a_cancelled_read_leaves_no_reply_for_the_next(connection):
    asked, other = keys(20_000), keys(50, start=50_000)
    for each in (asked, other):
        connection.put(each, values(each))

    async def talk() -> int:
        cancelled = 0
        for microseconds in range(0, 20_000, 500):
            try:
                await asyncio.wait_for(connection.fetch_async(asked), microseconds / 1e6)
            except TimeoutError:
                cancelled += 1
            assert (await connection.fetch_async(other)).equals(values(other))
        await connection.close_async()
        return cancelled

    assert asyncio.run(talk()) > 0


def test_without_a_server_the_error_is_the_same():
    connection = connect(ConnectionOptions.parse(f"127.0.0.1:{free_port()}"))
    with pytest.raises(StoreUnreachable, match="no Redis answers"):
        asyncio.run(connection.fetch_async(keys(1)))
