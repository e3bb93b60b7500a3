"""The server behind the online store: Redis or Valkey, single, Sentinel or Cluster, spoken to in Arrow columns.

What an ACL user needs, on keys `~streamrank:*`:
`+mget +get +evalsha +script|load +set +getrange +hset +hgetall +scan +unlink`; who merges windows also
`+setrange +pttl +pexpire`; `+select` where db is not 0, `+asking`
and `+cluster|slots` in a cluster. The Sentinels are asked without a user unless `sentinel_kwargs` gives one.
"""

from streamrank.stores.connection.connection import Connection, connect
from streamrank.stores.connection.errors import StoreDenied, StoreFull, StoreUnreachable
from streamrank.stores.connection.options import ConnectionOptions

__all__ = ["Connection", "ConnectionOptions", "StoreDenied", "StoreFull", "StoreUnreachable", "connect"]
