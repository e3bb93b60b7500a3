"""The server behind the online store: Redis or Valkey, single, Sentinel or Cluster, spoken to in Arrow columns."""

from streamrank.stores.connection.connection import Connection, connect
from streamrank.stores.connection.errors import StoreDenied, StoreFull, StoreUnreachable
from streamrank.stores.connection.options import ConnectionOptions

__all__ = ["Connection", "ConnectionOptions", "StoreDenied", "StoreFull", "StoreUnreachable", "connect"]
