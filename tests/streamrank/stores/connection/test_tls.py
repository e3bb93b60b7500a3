"""TLS through a proxy: the server's certificate is verified, and a stranger's refused."""

import asyncio

import pytest
from packed_values import keys, ones, values
from tls_link import tls_link

from streamrank.stores.connection import ConnectionOptions, StoreUnreachable, connect


@pytest.fixture
def link(server, tmp_path):
    with tls_link(server.port, tmp_path) as opened:
        yield opened


def test_a_verified_connection_serves_blocking_and_not(link):
    text = f"127.0.0.1:{link.port},ssl=true,ssl_ca_certs={link.certificate},socket_timeout=10"
    connection, asked = connect(ConnectionOptions.parse(text)), keys(3_000)
    assert connection.put(asked, values(asked)).tolist() == ones(3_000)
    assert connection.fetch(asked).equals(values(asked))

    async def talk() -> None:
        assert (await connection.fetch_async(asked)).equals(values(asked))
        await connection.close_async()

    asyncio.run(talk())
    connection.close()


def test_a_certificate_that_nobody_vouches_for_is_refused(link):
    connection = connect(ConnectionOptions.parse(f"127.0.0.1:{link.port},ssl=true"))
    with pytest.raises(StoreUnreachable, match="certificate verify failed"):
        connection.fetch(keys(1))
    with pytest.raises(StoreUnreachable, match="certificate verify failed"):
        asyncio.run(connection.fetch_async(keys(1)))


def test_verification_can_be_given_up(link):
    text = f"127.0.0.1:{link.port},ssl=true,ssl_cert_reqs=none,ssl_check_hostname=false"
    connection = connect(ConnectionOptions.parse(text))
    assert connection.fetch(keys(1)).null_count == 1
    connection.close()
