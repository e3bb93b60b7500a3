"""Leases: which worker may apply a shard's events, one at a time, each time under a new epoch.

A lease that ran out can be claimed by anyone, and every claim raises the epoch, so that whatever the owner before
still sends is refused. Workers tell that they live in one sorted set, by which they share the shards evenly.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from streamrank.events.redis_streams.keys import project_key
from streamrank.events.shards import NEVER, SHARDS
from streamrank.stores.connection import Connection
from streamrank.stream.intents import Intent, read_intent
from streamrank.stream.scripts import call, call_keys, step

CLAIM = step(
    2,
    """
  local held = call('HMGET', worker, 'owner', 'until')
  if held[1] and held[1] ~= a[1] and tonumber(held[2]) > now then return false end
  local epoch = call('HINCRBY', worker, 'epoch', 1)
  call('HSET', worker, 'owner', a[1], 'until', format('%.0f', now + a[2]))
  local more = call('HMGET', worker, 'intent', 'generations')
  return {format('%.0f', epoch), format('%.0f', committed(consumers)), more[1] or '', more[2] or ''}
""",
)
MINE = """
  local held = call('HMGET', worker, 'owner', 'epoch')
  if held[1] ~= a[1] or held[2] ~= a[2] then return 0 end
"""
RENEW = step(3, MINE + "  call('HSET', worker, 'until', format('%.0f', now + a[3]))\n  return 1")
RELEASE = step(2, MINE + "  call('HDEL', worker, 'owner', 'until')\n  return 1")
BEAT = b"""
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - ARGV[2]))
if ARGV[3] == '1' then redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
else redis.call('ZREM', KEYS[1], ARGV[1]) end
return {redis.call('ZCARD', KEYS[1])}
"""


@dataclass(frozen=True)
class Claim:
    """A shard that is ours. committed: the last position applied, NEVER where none. intent: left open by the owner
    before, to be finished first. generations: the names of those that are to be applied."""

    epoch: int
    committed: int
    intent: Intent | None
    generations: tuple[str, ...]


class Leases:
    """The leases of one worker. owner: its name, of no other process ever. ttl_us: microseconds until one runs out."""

    def __init__(self, connection: Connection, project: str, owner: str, ttl_us: int) -> None:
        self._connection, self._project = connection, project
        self._owner, self._ttl_us = owner, ttl_us

    def claim(self, shards: Iterable[int]) -> dict[int, Claim]:
        """Those of `shards` that were free, ran out or were ours; they are ours now, under a new epoch."""
        shards = list(shards)
        replies = call(self._connection, CLAIM, self._project, shards, [[self._owner, self._ttl_us]] * len(shards))
        return {shard: _claim(reply) for shard, reply in zip(shards, replies, strict=True) if reply}

    def renew(self, epochs: Mapping[int, int]) -> set[int]:
        """Holds the shards for another while; those that another worker has claimed meanwhile."""
        arguments = [[self._owner, epoch, self._ttl_us] for epoch in epochs.values()]
        replies = call(self._connection, RENEW, self._project, list(epochs), arguments)
        return {shard for shard, reply in zip(epochs, replies, strict=True) if not reply}

    def release(self, epochs: Mapping[int, int]) -> None:
        """Lets others claim the shards at once."""
        arguments = [[self._owner, epoch] for epoch in epochs.values()]
        call(self._connection, RELEASE, self._project, list(epochs), arguments)

    def beat(self, alive: bool = True) -> int:
        """Tells that this worker lives, or that it ends; how many live."""
        key, arguments = project_key(self._project, "workers"), [self._owner, self._ttl_us, int(alive)]
        return call_keys(self._connection, BEAT, [key], [arguments])[0]


def workers_alive(connection: Connection, project: str, ttl_us: int = 3_000_000) -> int:
    """How many workers live. ttl_us: of their leases."""
    return Leases(connection, project, "", ttl_us).beat(alive=False)


def fair_share(workers: int) -> int:
    """How many shards each of so many workers should own, rounded up."""
    return -(-SHARDS // max(1, workers))


def _claim(reply: list[bytes]) -> Claim:
    epoch, committed, intent, generations = reply
    return Claim(int(epoch), int(committed) or NEVER, read_intent(intent), tuple(generations.decode().split()))
