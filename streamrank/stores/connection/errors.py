"""What can go wrong with the server, each with what to do about it."""

import redis
from redis.exceptions import OutOfMemoryError

from streamrank.settings import settings
from streamrank.stores.connection.options import ConnectionOptions


class StoreUnreachable(redis.ConnectionError):
    """No server answers at the configured address, or none that can serve, also after brief retries."""


class StoreFull(OutOfMemoryError):
    """The server ran out of memory. written: how many rows it certainly stored before."""

    def __init__(self, message: str, written: int) -> None:
        super().__init__(message)
        self.written = written


class StoreDenied(redis.RedisError):
    """The server refuses the user, the password or the command."""


def unreachable(options: ConnectionOptions, cause: Exception) -> StoreUnreachable:
    if isinstance(cause, redis.TimeoutError):
        seconds = dict(options.parameters)["socket_timeout"]
        return StoreUnreachable(
            f"Redis at {options.address} hangs ({cause}; socket_timeout={seconds} s): look at the server, or allow it "
            f"longer with socket_timeout in the connection string"
        )
    if isinstance(cause, redis.exceptions.BusyLoadingError):
        return StoreUnreachable(f"Redis at {options.address} is still loading its data: try again when it is done")
    if isinstance(cause, redis.exceptions.ReadOnlyError):
        return StoreUnreachable(f"Redis at {options.address} is a read-only replica: name its master ({cause})")
    return StoreUnreachable(f"no Redis answers at {_remedy(options)} ({cause})")


def _remedy(options: ConnectionOptions) -> str:
    chosen, address = settings(), options.address
    if address != chosen.feast_connection.split(",")[0]:
        return f"{address}: start it or correct the online store's connection_string"
    if chosen.embedded:
        return f"{address}: run `streamrank up` for the embedded server, or set STREAMRANK_REDIS_URL"
    return f"{address} (STREAMRANK_REDIS_URL): start it or correct the variable"


def full(options: ConnectionOptions, written: int, rows: int) -> StoreFull:
    return StoreFull(
        f"Redis at {options.address} is out of memory: {written} of {rows} rows were certainly written; raise "
        f"maxmemory or free memory, then run the same write again (older rows never overwrite newer ones)",
        written,
    )


def a_cluster(options: ConnectionOptions) -> StoreUnreachable:
    return StoreUnreachable(f"Redis at {options.address} is a node of a cluster: set redis_type: redis_cluster")


def denied(options: ConnectionOptions, cause: Exception, command: str) -> StoreDenied:
    return StoreDenied(
        f"Redis at {options.address} refuses {command} to user {options.user!r} ({cause}): correct username and "
        f"password in the connection string, or give the user the rights listed in streamrank.stores.connection"
    )
