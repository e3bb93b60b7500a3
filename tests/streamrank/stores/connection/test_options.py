"""Connection strings mean what they mean to Feast's Redis store."""

import pytest
from feast.infra.online_stores.redis import RedisOnlineStore

from streamrank.stores.connection import ConnectionOptions

STRINGS = [
    "localhost:6379",
    "redis_master:6379,db=0,ssl=true,password=secret",
    "a:1,b:2,skip_full_coverage_check=true,ssl=true,password=p=q=r",
    "h:6390,db=3,socket_timeout=0.5,username=reader,password=word,ssl_cert_reqs=none",
]


@pytest.mark.parametrize("text", STRINGS)
def test_hosts_and_options_are_read_as_feast_reads_them(text):
    nodes, parameters = RedisOnlineStore._parse_connection_string(text)
    found = ConnectionOptions.parse(text, "redis_cluster" if len(nodes) > 1 else "redis")
    assert [{"host": host, "port": str(port)} for host, port in found.nodes] == nodes
    parameters.pop("skip_full_coverage_check", None)
    assert parameters.items() <= dict(found.parameters).items()


def test_a_password_of_digits_stays_text():
    assert dict(ConnectionOptions.parse("h:1,password=0123").parameters)["password"] == "0123"
    assert dict(ConnectionOptions.parse("h:1,password=123").parameters)["password"] == "123"
    assert dict(ConnectionOptions.parse('h:1,password="quoted"').parameters)["password"] == "quoted"


def test_a_server_never_hangs_its_caller_for_good():
    assert dict(ConnectionOptions.parse("h:1").parameters) == {"socket_connect_timeout": 5.0, "socket_timeout": 30.0}


def test_a_unix_socket_is_an_address():
    found = ConnectionOptions.parse("unix:///run/valkey.sock,db=2")
    assert (found.socket, found.nodes, dict(found.parameters)["db"]) == ("/run/valkey.sock", (), 2)


def test_a_host_without_a_port_takes_the_default_and_ipv6_is_read():
    assert ConnectionOptions.parse("cache").nodes == (("cache", 6379),)
    assert ConnectionOptions.parse("[::1]:6390").nodes == (("::1", 6390),)


def test_the_password_is_not_shown():
    assert "secret" not in repr(ConnectionOptions.parse("h:1,password=secret"))


@pytest.mark.parametrize(
    ("text", "redis_type", "named"),
    [
        ("h:port", "redis", "h:port"),
        ("db=0", "redis", "host:port"),
        ("h:1,pasword=x", "redis", "pasword"),
        ("h:1", "memcached", "memcached"),
        ("h:1,db=4", "redis_cluster", "db=4"),
        ("unix:///s", "redis_cluster", "unix socket"),
    ],
)
def test_what_cannot_be_read_is_named(text, redis_type, named):
    with pytest.raises(ValueError, match=named):
        ConnectionOptions.parse(text, redis_type)
