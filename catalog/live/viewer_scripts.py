"""The server-side steps on open sessions, each for any number of shards at once.

A list of texts comes as one argument: the length of each (uint32, little-endian) and the text.
"""

from streamrank.events.redis_streams.append import APPEND_LUA
from streamrank.stream.scripts import CONSUMER

SEEN_A = 32  # where `seen_a`, the fourth column of VIEWERS, ends in a packed row

_COMMON = """
local call, format, replies = redis.call, string.format, {}
local function texts(packed)
  local found, at = {}, 1
  while at <= #packed do
    local size = struct.unpack('<I4', packed, at)
    found[#found + 1] = string.sub(packed, at + 4, at + 3 + size)
    at = at + 4 + size
  end
  return found
end
local function state(prefix)
  local held = call('HMGET', prefix .. 'sessions', 'version', 'position')
  return {held[1] or '0', held[2] or '0'}
end
"""

# For each shard: names. Its version and position, and the rows of the viewers with these names, where they are in.
READ = f"""{_COMMON}
for shard = 1, #KEYS do
  local names, reply = texts(ARGV[shard]), state(KEYS[shard])
  for at = 1, #names, 4000 do
    local values = call('HMGET', KEYS[shard] .. 'viewers', unpack(names, at, math.min(at + 3999, #names)))
    for i = 1, #values do if values[i] then reply[#reply + 1] = values[i] end end
  end
  replies[shard] = reply
end
return replies
""".encode()

# For each shard: a position, the most, prefixes of names. Its version and position, and the rows of viewers whose last
# sign came no later, and of those of the prefixes.
DUE = f"""{_COMMON}
for shard = 1, #KEYS do
  local prefix, a = KEYS[shard], 3 * shard - 3
  local reply, most, chosen = state(prefix), tonumber(ARGV[a + 2]), {{}}
  local names = call('ZRANGEBYSCORE', prefix .. 'seen', '-inf', ARGV[a + 1], 'LIMIT', 0, most)
  for _, text in ipairs(texts(ARGV[a + 3])) do
    local more = call('ZRANGEBYLEX', prefix .. 'names', '[' .. text, '[' .. text .. '\\255', 'LIMIT', 0, most)
    for i = 1, #more do names[#names + 1] = more[i] end
    if #names >= most then break end
  end
  for i = 1, #names do
    if not chosen[names[i]] then
      chosen[names[i]] = true
      reply[#reply + 1] = call('HGET', prefix .. 'viewers', names[i])
    end
  end
  replies[shard] = reply
end
return replies
""".encode()

# For each shard the items that have viewers, found by leaping from a viewer of one to the first of the next.
WATCHED = f"""{_COMMON}
for shard = 1, #KEYS do
  local found, from = {{}}, '-'
  while true do
    local name = call('ZRANGEBYLEX', KEYS[shard] .. 'names', from, '+', 'LIMIT', 0, 1)[1]
    if not name then break end
    local digits = string.match(name, '^%d+')
    local stop = #digits + 1 + tonumber(digits)
    found[#found + 1] = string.sub(name, #digits + 2, stop)
    from = '(' .. string.sub(name, 1, stop) .. '\\255'
  end
  replies[shard] = found
end
return replies
""".encode()

# For each shard: epoch; the version that the change was decided on; the first position of the batch, or nothing for
# a sweep; the new position; the bus's prefix and append's five arguments, an empty chunk to publish nothing; names and
# rows of those who are in; names of those who are gone. Nothing is written when a later epoch or another change came
# between, or when the batch is not the one that follows what is committed: the server may have lost some.
WRITE = f"""{_COMMON}
{APPEND_LUA}
local function write(prefix, a)
  local held = call('HMGET', prefix .. 'sessions', 'epoch', 'version')
  if tonumber(held[1] or 0) > tonumber(ARGV[a + 1]) then return 'superseded' end
  if ARGV[a + 3] ~= '' then
    local committed = tonumber(call('HGET', ARGV[a + 5] .. 'consumers', '{CONSUMER}') or 0)
    if math.max(0, committed) ~= math.max(0, ARGV[a + 3] - 1) then return 'superseded' end
  end
  if tonumber(held[2] or 0) ~= tonumber(ARGV[a + 2]) then return 'changed' end
  if ARGV[a + 10] ~= '' then
    append(ARGV[a + 5], ARGV[a + 6], ARGV[a + 7], ARGV[a + 8], ARGV[a + 9], ARGV[a + 10])
  end
  local viewers, seen, names = prefix .. 'viewers', prefix .. 'seen', prefix .. 'names'
  local rows, gone = texts(ARGV[a + 11]), texts(ARGV[a + 12])
  for i = 1, #rows, 2 do
    call('HSET', viewers, rows[i], rows[i + 1])
    call('ZADD', seen, format('%.0f', (struct.unpack('<i8', rows[i + 1], {SEEN_A - 7}))), rows[i])
    call('ZADD', names, 0, rows[i])
  end
  for i = 1, #gone do
    call('HDEL', viewers, gone[i])
    call('ZREM', seen, gone[i])
    call('ZREM', names, gone[i])
  end
  call('HSET', prefix .. 'sessions', 'epoch', ARGV[a + 1], 'version', format('%.0f', ARGV[a + 2] + 1),
       'position', ARGV[a + 4])
  return 'done'
end
for shard = 1, #KEYS do replies[shard] = write(KEYS[shard], 12 * shard - 12) end
return replies
""".encode()
