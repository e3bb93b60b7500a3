"""Where the server is and how to log in: Feast's connection strings, read as Feast's Redis store reads them."""

import inspect
import json
from dataclasses import dataclass, field
from typing import Any

import redis
from redis.sentinel import Sentinel

REDIS_TYPES = ("redis", "redis_cluster", "redis_sentinel")
DEFAULT_PORT = 6379
# Without them a server that hangs would hang its caller for good.
DEFAULTS = {"socket_connect_timeout": 5.0, "socket_timeout": 30.0}
SECRETS = ("password", "username")
LEGACY = ("skip_full_coverage_check",)  # Feast's documentation writes it; redis-py ignores it since 4.1
RESERVED = {"host", "port", "connection_pool", "unix_socket_path", "decode_responses", "self"}


@dataclass(frozen=True)
class ConnectionOptions:
    """redis_type: one of REDIS_TYPES. nodes: (host, port) of the server, of cluster nodes to start from, or of
    Sentinels. socket: path of a unix socket, in which case there are no nodes. sentinel_master: the name
    that Sentinels know. parameters: arguments of redis-py, hidden from the repr since they hold the password."""

    redis_type: str
    nodes: tuple[tuple[str, int], ...]
    socket: str | None
    sentinel_master: str
    parameters: tuple[tuple[str, Any], ...] = field(repr=False)

    @classmethod
    def parse(
        cls, connection_string: str, redis_type: str = "redis", sentinel_master: str = "mymaster"
    ) -> "ConnectionOptions":
        """Reads `host:port[,host:port...][,db=0][,ssl=true][,password=...]...` or `unix:///path[,db=0]...`.

        Every redis-py option may follow, its value as JSON or as it stands. `socket_connect_timeout` and
        `socket_timeout` (seconds) default to 5 and 30. Raises ValueError naming the part that cannot be read.
        """
        redis_type = getattr(redis_type, "value", redis_type)
        if redis_type not in REDIS_TYPES:
            raise ValueError(f"redis_type: expected one of {', '.join(REDIS_TYPES)}, found {redis_type!r}")
        parts = [part.strip() for part in connection_string.split(",") if part.strip()]
        addresses = [part for part in parts if "=" not in part]
        options = [part.split("=", 1) for part in parts if "=" in part]
        parameters = {name: _value(name, text) for name, text in options if name not in LEGACY}
        _refuse_unknown(redis_type, parameters)
        if not addresses:
            raise ValueError(f"connection_string: expected host:port or unix:///path first, found {parts[:1]}")
        socket = addresses[0].removeprefix("unix://") if addresses[0].startswith("unix://") else None
        if socket and (redis_type != "redis" or len(addresses) > 1):
            raise ValueError(f"connection_string: a unix socket is one server, not a {redis_type} of {len(addresses)}")
        nodes = () if socket else tuple(_address(text) for text in addresses)
        return cls(redis_type, nodes, socket, sentinel_master, tuple((DEFAULTS | parameters).items()))

    @property
    def address(self) -> str:
        """For messages: where the server is, without secrets."""
        places = self.socket or ",".join(f"{host}:{port}" for host, port in self.nodes)
        return f"{self.sentinel_master} (Sentinel at {places})" if self.redis_type == "redis_sentinel" else places

    @property
    def user(self) -> str:
        return dict(self.parameters).get("username") or "default"


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon:
        return text, DEFAULT_PORT
    if not port.isdigit():
        raise ValueError(f"connection_string: expected host:port, found {text!r}")
    return host.strip("[]"), int(port)


def _value(name: str, text: str) -> Any:
    """JSON where it is JSON, as Feast does; a password of digits stays the text that was typed."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return text
    return text if name in SECRETS and not isinstance(value, str) else value


def _refuse_unknown(redis_type: str, parameters: dict[str, Any]) -> None:
    known = set(inspect.signature(redis.Redis.__init__).parameters) - RESERVED
    if redis_type == "redis_sentinel":
        known |= set(inspect.signature(Sentinel.__init__).parameters) - {"self", "sentinels", "connection_kwargs"}
    if redis_type == "redis_cluster" and parameters.get("db"):
        raise ValueError(f"connection_string: a cluster has only db=0, found db={parameters['db']}")
    for name in parameters:
        if name not in known:
            raise ValueError(f"connection_string: {name!r} is no option of redis-py; remove it or correct its name")
