"""The bus of a data set: where its events arrive, from every door and for every worker."""

from catalog.schema import PUBLISHED
from streamrank.events.redis_streams import RedisStreams, redis_bus
from streamrank.settings import settings
from streamrank.stores.connection import ConnectionOptions, connect


def open_bus(dataset: str | None = None) -> RedisStreams:
    """The bus of a data set, by default the one in use, on the server that the settings name, which must run."""
    chosen = settings()
    options = ConnectionOptions.parse(chosen.feast_connection)
    return redis_bus(connect(options), project_of(dataset or chosen.dataset), PUBLISHED)


def project_of(dataset: str) -> str:
    """What the data set is called in Feast, which takes no hyphens; as `streamrank.environment` has it."""
    return dataset.replace("-", "_")
