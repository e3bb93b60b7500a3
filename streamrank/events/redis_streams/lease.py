"""A lease on a task that one process does at a time. It measures the server's time, not the
injected clock's."""

import uuid
from datetime import timedelta

from streamrank.events.redis_streams.calls import Calls
from streamrank.stores.connection import Connection

HOLD = b"""
local holder, replies = redis.call('GET', KEYS[1]), {'0'}
if not holder or holder == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  replies[1] = '1'
end
return replies
"""
RELEASE = b"""
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('UNLINK', KEYS[1]) end
return {'1'}
"""


class Lease:
    """key: of the lease. length: how long it is held without being renewed."""

    def __init__(self, connection: Connection, key: bytes, length: timedelta) -> None:
        self._connection, self._key, self._holder = connection, key, uuid.uuid4().bytes
        self._length = b"%d" % (length // timedelta(milliseconds=1))

    def hold(self) -> bool:
        """Takes or renews the lease; False while another holds it."""
        ((held,),) = self._connection.ask(Calls(HOLD, [self._key], [(self._holder, self._length)]))
        return held == b"1"

    def release(self) -> None:
        """Leaves it to the next one, if it is ours."""
        self._connection.ask(Calls(RELEASE, [self._key], [(self._holder,)]))
