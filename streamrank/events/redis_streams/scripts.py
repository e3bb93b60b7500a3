"""The other server-side steps of a shard, each for any number of shards at once."""


def _each(arguments: int, body: str) -> bytes:
    """A script that runs `body` for every shard; it sees `prefix` and its arguments `a[1]` on, and sets `reply`."""
    return f"""
local call, format = redis.call, string.format
local replies = {{}}
for shard = 1, #KEYS do
  local prefix, a, reply = KEYS[shard], {{}}, false
  for i = 1, {arguments} do a[i] = ARGV[(shard - 1) * {arguments} + i] end
  {body}
  replies[shard] = reply
end
return replies
""".encode()


# Chunks above position a[1] ('-' for all), until they hold a[2] events or reach position a[3]; for each its
# last position, its meta field, what it dropped, and its events. Pages grow as chunks turn out to be small.
READ = _each(
    3,
    """
  reply = {}
  local at, most, upto = a[1], tonumber(a[2]), tonumber(a[3])
  local from, events, page = at == '-' and '-' or '(' .. at, 0, 1
  while events < most do
    local found, size = call('XRANGE', prefix .. 'stream', from, '+', 'COUNT', page), 0
    for i = 1, #found do
      local id, fields = found[i][1], found[i][2]
      local last = string.match(id, '^%d+')
      size = size + last - string.match(fields[2], '^%d+') + 1
      reply[#reply + 1] = last
      reply[#reply + 1] = fields[2]
      reply[#reply + 1] = fields[4]
      reply[#reply + 1] = fields[6]
      from = '(' .. id
      if tonumber(last) >= upto then size = math.huge break end
    end
    events = events + size
    if #found < page then break end
    page = math.min(16, 2 * page, math.max(1, math.floor((most - events) * #found / size)))
  end
""",
)
STATE = _each(
    0,
    """
  reply = call('HMGET', prefix .. 'state', 'last', 'added', 'freed', 'total', 'trimmed')
""",
)
BEGIN = _each(
    1,
    """
  if tonumber(a[1]) > tonumber(call('HGET', prefix .. 'state', 'last') or 0) then
    call('HSET', prefix .. 'state', 'last', a[1])
  end
""",
)
# a[1]: the consumer, a[2]: a position.
COMMIT = _each(
    2,
    """
  local held = call('HGET', prefix .. 'consumers', a[1])
  if not held or tonumber(a[2]) > tonumber(held) then call('HSET', prefix .. 'consumers', a[1], a[2]) end
""",
)
COMMITTED = _each(
    1,
    """
  reply = call('HGET', prefix .. 'consumers', a[1])
""",
)
CONSUMERS = _each(
    0,
    """
  reply = call('HGETALL', prefix .. 'consumers')
""",
)
UNREGISTER = _each(
    1,
    """
  call('HDEL', prefix .. 'consumers', a[1])
""",
)
# What is freed is read off the first chunk that stays: the bytes added up to it, less its own.
TRIM = _each(
    0,
    """
  local stream, state = prefix .. 'stream', prefix .. 'state'
  local least = math.huge
  for _, position in ipairs(call('HVALS', prefix .. 'consumers')) do least = math.min(least, tonumber(position)) end
  reply = '0'
  if least > 0 and least < math.huge and call('XTRIM', stream, 'MINID', format('%.0f', least + 1)) > 0 then
    local held = call('HMGET', state, 'added', 'freed')
    local first, freed = call('XRANGE', stream, '-', '+', 'COUNT', 1)[1], tonumber(held[1])
    if first then freed = string.match(first[2][2], '^%d+ (%d+)') - #first[2][6] end
    call('HSET', state, 'freed', format('%.0f', freed), 'trimmed', format('%.0f', least))
    reply = format('%.0f', freed - (held[2] or 0))
  end
""",
)
# a[1]: the mark expected, a[2]: the new one, a[3]: a position. Answers last, total, whether the mark was the expected
# one, and where it was not, how many events were taken up to the position: that is told by the last chunk up to it,
# else by the first behind it, else by the shard.
SIGHT = _each(
    3,
    """
  local state, stream = prefix .. 'state', prefix .. 'stream'
  local held = call('HMGET', state, 'last', 'total', 'mark')
  local last, total, before = held[1] or false, held[2] or '0', '0'
  if held[3] ~= a[1] and tonumber(a[3]) > 0 then
    local upto = call('XREVRANGE', stream, a[3], '-', 'COUNT', 1)[1]
    local behind = not upto and call('XRANGE', stream, a[3], '+', 'COUNT', 1)[1]
    if upto then before = string.match(upto[2][2], '(%d+)$')
    elseif behind then
      local first, _, counted = string.match(behind[2][2], '^(%d+) (%d+) (%d+)$')
      before = format('%.0f', counted - (string.match(behind[1], '^%d+') - first + 1))
    else before = total end
  end
  call('HSET', state, 'mark', a[2])
  reply = {last, total, held[3] == a[1] and '1' or '0', before}
""",
)
