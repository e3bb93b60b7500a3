"""Server-side steps on a shard's hash `worker`, beside the bus's keys of that shard; all shards in one round trip.

The hash's fields: owner, epoch, until (`leases`), intent (`intents`), generations and hold (`generations`). Times are
the server's own, in microseconds: leases and holds measure what really passes, whatever clock is injected. The last
position applied is what the consumer `windows` has committed on the bus, so that the bus keeps what is still to come.
"""

from collections.abc import Sequence
from typing import Any

from streamrank.events.redis_streams.calls import Calls
from streamrank.events.redis_streams.keys import shard_prefix
from streamrank.stores.connection import Connection
from streamrank.stores.connection.talk import drive

CONSUMER = "windows"


def step(arguments: int, body: str) -> bytes:
    """A script that runs `body` for every shard: a Lua function of its `worker` key and its arguments `a[1]` on."""
    return f"""
local call, format = redis.call, string.format
local time = call('TIME')
local now = time[1] * 1000000 + time[2]
local function committed(consumers) return math.max(0, tonumber(call('HGET', consumers, '{CONSUMER}') or 0)) end
local function step(worker, consumers, a)
{body}
end
local replies = {{}}
for shard = 1, #KEYS do
  local a = {{}}
  for i = 1, {arguments} do a[i] = ARGV[(shard - 1) * {arguments} + i] end
  replies[shard] = step(KEYS[shard] .. 'worker', KEYS[shard] .. 'consumers', a)
end
return replies
""".encode()


def call(
    connection: Connection, script: bytes, project: str, shards: Sequence[int], arguments: Sequence[Sequence[object]]
) -> list[Any]:
    """The reply of each shard to a `step`, in one round trip."""
    return call_keys(connection, script, [shard_prefix(project, shard) for shard in shards], arguments)


def call_keys(
    connection: Connection, script: bytes, keys: Sequence[bytes], arguments: Sequence[Sequence[object]]
) -> list[Any]:
    """The reply of each key to a script that answers a list with one for each."""
    if not keys:
        return []
    words = [[word if isinstance(word, bytes) else str(word).encode() for word in each] for each in arguments]
    replies = drive(connection._ask(Calls(script, keys, words), len(keys)))
    return [reply for part in replies for reply in part]
