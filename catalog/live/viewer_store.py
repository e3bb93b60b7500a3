"""Open sessions in Redis, a shard at a time; their change and the events it publishes are one server-side step."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from catalog.live.keys import shard_prefix
from catalog.live.records import pack, unpack, whole
from catalog.live.viewers import VIEWERS, item_prefix, names_of
from streamrank.events.redis_streams.append import APPEND_LUA
from streamrank.events.redis_streams.calls import Calls
from streamrank.stores.connection import Connection

SEEN_A = 16  # where `seen_a`, the third column of VIEWERS, lies in a packed row
DUE_A_CALL = 2_000

READ = b"""
local call, prefix = redis.call, KEYS[1]
local held = call('HMGET', prefix .. 'sessions', 'epoch', 'version', 'position')
local found = {held[1] or '0', held[2] or '0', held[3] or '0'}
for at = 1, #ARGV, 4000 do
  local values = call('HMGET', prefix .. 'viewers', unpack(ARGV, at, math.min(at + 3999, #ARGV)))
  for i = 1, #values do found[#found + 1] = values[i] end
end
return {found}
"""
# ARGV: a position, the most, then prefixes of names. Viewers whose last sign came no later, and those of the prefixes.
DUE = b"""
local call, prefix, most = redis.call, KEYS[1], tonumber(ARGV[2])
local held = call('HMGET', prefix .. 'sessions', 'epoch', 'version', 'position')
local found = {held[1] or '0', held[2] or '0', held[3] or '0'}
local names = call('ZRANGEBYSCORE', prefix .. 'seen', '-inf', ARGV[1], 'LIMIT', 0, most)
for i = 3, #ARGV do
  local more = call('ZRANGEBYLEX', prefix .. 'names', '[' .. ARGV[i], '[' .. ARGV[i] .. '\\255', 'LIMIT', 0, most)
  for k = 1, #more do names[#names + 1] = more[k] end
  if #names >= most then break end
end
local seen = {}
for i = 1, #names do
  if not seen[names[i]] then
    seen[names[i]] = true
    found[#found + 1] = call('HGET', prefix .. 'viewers', names[i])
  end
end
return {found}
"""
# The items that have viewers, found by leaping from the last viewer of one to the first of the next.
WATCHED = b"""
local call, names = redis.call, KEYS[1] .. 'names'
local found, from = {}, '-'
while true do
  local name = call('ZRANGEBYLEX', names, from, '+', 'LIMIT', 0, 1)[1]
  if not name then return {found} end
  local digits = string.match(name, '^%d+')
  local stop = #digits + 1 + tonumber(digits)
  found[#found + 1] = string.sub(name, #digits + 2, stop)
  from = '(' .. string.sub(name, 1, stop) .. '\\255'
end
"""
# ARGV: epoch, version, position, then append's prefix and its five arguments (an empty chunk: nothing to publish), how
# many viewers are in, each with name and row, then the names of those who are gone.
WRITE = f"""{APPEND_LUA}
local call, format, prefix = redis.call, string.format, KEYS[1]
local held = call('HMGET', prefix .. 'sessions', 'epoch', 'version')
if tonumber(held[1] or 0) > tonumber(ARGV[1]) then return {{'superseded'}} end
if tonumber(held[2] or 0) ~= tonumber(ARGV[2]) then return {{'changed'}} end
if ARGV[9] ~= '' then append(ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9]) end
local viewers, seen, names = prefix .. 'viewers', prefix .. 'seen', prefix .. 'names'
local rows = 10 + 2 * ARGV[10]
for i = 11, rows, 2 do
  call('HSET', viewers, ARGV[i], ARGV[i + 1])
  call('ZADD', seen, format('%.0f', (struct.unpack('<i8', ARGV[i + 1], {SEEN_A + 1}))), ARGV[i])
  call('ZADD', names, 0, ARGV[i])
end
for i = rows + 1, #ARGV do
  call('HDEL', viewers, ARGV[i])
  call('ZREM', seen, ARGV[i])
  call('ZREM', names, ARGV[i])
end
call('HSET', prefix .. 'sessions', 'epoch', ARGV[1], 'version', format('%.0f', ARGV[2] + 1), 'position', ARGV[3])
return {{'done'}}
""".encode()


class Superseded(Exception):
    """Another worker owns the shard by now; nothing was written."""


@dataclass(frozen=True)
class Held:
    """What a shard holds of some viewers. epoch: of its last writer. version: grows with every write.

    position: up to which signs are in. viewers: their open sessions (VIEWERS).
    """

    epoch: int
    version: int
    position: int
    viewers: pa.Table


@dataclass(frozen=True)
class Change:
    """open: viewers who are in. gone: names of those who are not any more. append: what to publish, or none."""

    open: pa.Table
    gone: pa.LargeBinaryArray
    append: tuple[bytes, Sequence[bytes]] | None


class ViewerStore:
    """The open sessions of one shard."""

    def __init__(self, connection: Connection, project: str, shard: int) -> None:
        self._connection, self._prefix, self._shard = connection, shard_prefix(project, shard), shard

    def read(self, names: pa.LargeBinaryArray) -> Held:
        """What is held of the viewers with these distinct names."""
        return _held(self._call(READ, names.to_pylist()))

    def watched(self) -> list[str]:
        """The items that have viewers."""
        return [item_id.decode() for item_id in self._call(WATCHED, [])]

    def due(self, seen_a: int, item_ids: Sequence[str]) -> Held:
        """Viewers whose last sign came no later than `seen_a`, and those of the items; a part where there are many."""
        prefixes = [item_prefix(item_id) for item_id in item_ids]
        return _held(self._call(DUE, [b"%d" % seen_a, b"%d" % DUE_A_CALL, *prefixes]))

    def write(self, held: Held, epoch: int, position: int, change: Change) -> bool:
        """Writes a change that was decided on `held`, and publishes; False when something else was written since.

        Raises Superseded when a later epoch has written.
        """
        key, append = change.append or (b"", (b"",) * 5)
        names = names_of(change.open["user_id"], change.open["item_id"]).to_pylist()
        rows = [word for pair in zip(names, pack(change.open).to_pylist(), strict=True) for word in pair]
        words = [b"%d" % epoch, b"%d" % held.version, b"%d" % position, key, *append, b"%d" % len(names), *rows]
        reply = self._call(WRITE, [*words, *change.gone.to_pylist()])
        if reply == b"superseded":
            raise Superseded(f"shard {self._shard}: expected epoch {epoch} or older, found a later owner; take it anew")
        return reply == b"done"

    def _call(self, script: bytes, words: Sequence[bytes]) -> list:
        return self._connection.ask(Calls(script, [self._prefix], [words]))[0][0]


def _held(found: list[bytes | None]) -> Held:
    epoch, version, position = map(int, found[:3])
    return Held(epoch, version, position, unpack(pa.array(found[3:], pa.large_binary()).drop_null(), VIEWERS))


def distinct(names: pa.Array) -> pa.LargeBinaryArray:
    """Each name once."""
    return whole(names).unique()
