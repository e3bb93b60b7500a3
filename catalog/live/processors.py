"""What the worker does with events beside windows, in the order in which it is done."""

from feast import FeatureStore

from catalog.dataset import DataSet
from catalog.live import attributes
from catalog.live.attributes import AttributeRows
from catalog.live.items import Items
from catalog.live.on_air import OnAir, live_items
from catalog.live.restoring import Restoring
from catalog.live.sessions import Sessions
from catalog.live.users import Users
from streamrank.events.log import EventLog
from streamrank.events.redis_streams import RedisStreams
from streamrank.stores.connection import Connection


def processors(
    bus: RedisStreams, connection: Connection, store: FeatureStore, data: DataSet
) -> tuple[Items, Users, Sessions]:
    """Those of the data set's live state; `bus` carries events of catalog.schema.PUBLISHED."""
    project, items = store.project, live_items(connection, store.project)
    restoring = Restoring(connection, project, EventLog(data.events))
    return (
        Items(items, AttributeRows(store, attributes.ITEMS, data.items), restoring),
        Users(connection, project, AttributeRows(store, attributes.USERS, data.users), restoring),
        Sessions(bus, connection, project, OnAir(items), restoring),
    )
