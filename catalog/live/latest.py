"""Rows in Redis by id, of which the one with the greatest position stays, and which of them changed since.

Writing the same rows again, or older ones, changes nothing, so whoever is late or writes twice can do no harm.
"""

import pyarrow as pa

from catalog.live.records import pack, unpack, whole
from streamrank.events.redis_streams.calls import Calls
from streamrank.stores.connection import Connection

ROWS_A_CALL = 2_000

# Versions grow by one a change. They start at the server's time, so that those of lost data are not given again.
PUT = b"""
local call, position = redis.call, function(value) return (struct.unpack('<i8', value)) end
local rows, changes, counter = KEYS[1] .. 'rows', KEYS[1] .. 'changes', KEYS[1] .. 'version'
local before = tonumber(call('GET', counter) or 0)
local version = before
if version == 0 then
  local time = call('TIME')
  version = time[1] * 1000000 + time[2]
end
for i = 1, #ARGV, 2 do
  local held = call('HGET', rows, ARGV[i])
  if not held or position(held) < position(ARGV[i + 1]) then
    version = version + 1
    call('HSET', rows, ARGV[i], ARGV[i + 1])
    call('ZADD', changes, string.format('%.0f', version), ARGV[i])
    before = -1
  end
end
if before == -1 then call('SET', counter, string.format('%.0f', version)) end
return {'done'}
"""
GET = b"""
local found = {}
for at = 1, #ARGV, 4000 do
  local values = redis.call('HMGET', KEYS[1] .. 'rows', unpack(ARGV, at, math.min(at + 3999, #ARGV)))
  for i = 1, #values do found[at + i - 1] = values[i] end
end
return {found}
"""
CHANGES = b"""
local call, known, page = redis.call, tonumber(ARGV[1]), tonumber(ARGV[2])
local version = call('GET', KEYS[1] .. 'version') or '0'
if tonumber(version) == known then return {{version}} end
local from = tonumber(version) < known and '-inf' or '(' .. ARGV[1]
local ids = call('ZRANGEBYSCORE', KEYS[1] .. 'changes', from, '+inf', 'WITHSCORES', 'LIMIT', 0, page)
if #ids == 2 * page then version = string.format('%.0f', tonumber(ids[#ids])) end
local found = {version}
for i = 1, #ids, 2 do found[#found + 1] = call('HGET', KEYS[1] .. 'rows', ids[i]) end
return {found}
"""


class Latest:
    """The rows of `schema`, int64 `position` first, at keys that start with `prefix`; `key`: the column of ids.

    Every method raises what a connection does when no server answers.
    """

    def __init__(self, connection: Connection, prefix: bytes, schema: pa.Schema, key: str) -> None:
        self._connection, self._prefix, self._schema, self._key = connection, prefix, schema, key
        self._nothing = schema.empty_table()

    def get(self, ids: pa.Array | pa.ChunkedArray) -> pa.Table:
        """The rows of those of `ids` (string, distinct) that are there, in any order."""
        if not len(ids):
            return self._nothing
        return self._rows(self._call(GET, _words(ids)))

    def put(self, rows: pa.Table) -> None:
        """Writes rows where none as new is there."""
        for start in range(0, len(rows), ROWS_A_CALL):
            part = rows.slice(start, ROWS_A_CALL)
            pairs = zip(_words(part[self._key]), pack(part).to_pylist(), strict=True)
            self._call(PUT, [word for pair in pairs for word in pair])

    def changes(self, version: int) -> tuple[int, pa.Table]:
        """The rows that changed after `version` (0: all), and the version to ask with next; at most a page of them.

        The same version comes back when that is all. A lower one does where the server lost data: all rows follow.
        """
        found = self._call(CHANGES, [b"%d" % version, b"%d" % ROWS_A_CALL])
        return int(found[0]), self._rows(found[1:])

    def _rows(self, values: list[bytes | None]) -> pa.Table:
        if not values:
            return self._nothing  # what nearly every request is told
        return unpack(pa.array(values, pa.large_binary()).drop_null(), self._schema)

    def _call(self, script: bytes, words: list[bytes]) -> list:
        return self._connection.ask(Calls(script, [self._prefix], [words]))[0][0]


def _words(ids: pa.Array | pa.ChunkedArray) -> list[bytes]:
    return whole(ids).cast(pa.large_binary()).to_pylist()
