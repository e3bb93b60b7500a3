"""The online store: Feast's Redis store at the platform's own address, with a message that says how to start it."""

import warnings
from typing import Any, Literal

import redis
from feast.infra.online_stores.redis import RedisOnlineStore, RedisOnlineStoreConfig
from pydantic import Field

from streamrank.settings import settings

# Feast lets every deprecation notice through; this one is between two of its dependencies, at each question asked.
warnings.filterwarnings("ignore", message=".*fetch_arrow_table", category=DeprecationWarning)


class StreamrankOnlineStoreConfig(RedisOnlineStoreConfig):
    """Feast's Redis options; the connection defaults to STREAMRANK_REDIS_URL or the embedded server."""

    type: Literal["streamrank.stores.online.StreamrankOnlineStore"] = "streamrank.stores.online.StreamrankOnlineStore"
    connection_string: str = Field(default_factory=lambda: settings().feast_connection)


class OnlineStoreUnreachable(redis.ConnectionError):
    """No server answers at the configured address."""


class StreamrankOnlineStore(RedisOnlineStore):
    def _get_client(self, online_store_config: RedisOnlineStoreConfig) -> Any:
        if self._client is None:
            client = super()._get_client(online_store_config)
            try:
                client.ping()
            except redis.ConnectionError as error:
                self._client = None
                raise OnlineStoreUnreachable(_remedy(online_store_config.connection_string)) from error
        return self._client


def _remedy(connection: str) -> str:
    address = connection.split(",")[0]
    if settings().embedded:
        return (
            f"no Redis answers at {address}: run `streamrank up` for the embedded server, or set STREAMRANK_REDIS_URL"
        )
    return f"no Redis answers at {address} (STREAMRANK_REDIS_URL): start it or correct the variable"
