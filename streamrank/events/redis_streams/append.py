"""The server-side step that takes events: known ids are left out, the others stamped and appended, in one go.

Lua's numbers are doubles, exact to 2^53; microseconds since 1970 stay below that until the year 2255.
"""

# append(prefix, clock, span, limit, ids, chunk) -> {first, dropped}, or {} when the shard is full.
#   prefix: of the shard's keys. clock: microseconds since 1970 as text, '' for the server's own time.
#   span: microseconds of a generation of ids; an id is remembered for at least 4 of them and at most 5.
#   limit: bytes of events that the shard may hold, 0 for any. ids: 16 bytes for each event. chunk: the events.
#   first: the position of the first event taken, '0' where none was; the others follow one by one.
#   dropped: the places (from 0, uint32 little-endian) of events not taken, since their ids had been taken before.
# Ids are looked up in each generation and added to the newest; a whole generation is forgotten at once. Ids that
# are twice in one call show in that fewer of them were added than were new, and only then are they looked for.
APPEND_LUA = """
local function append(prefix, clock, span, limit, ids, chunk)
  local call, format = redis.call, string.format
  local state, stream = prefix .. 'state', prefix .. 'stream'
  local held = call('HMGET', state, 'last', 'added', 'freed', 'total', 'spans')
  local last, added, freed = tonumber(held[1] or 0), tonumber(held[2] or 0), tonumber(held[3] or 0)
  local total = tonumber(held[4] or 0)
  if tonumber(limit) > 0 and added > freed and added - freed + #chunk > tonumber(limit) then return {} end
  local now = tonumber(clock)
  if not now then
    local time = call('TIME')
    now = time[1] * 1000000 + time[2]
  end
  local first = math.max(now, last + 1, 1)
  local newest, spans = format('%.0f', math.floor(first / span)), {}
  for number in string.gmatch(held[5] or '', '%d+') do
    if number + 4 < newest + 0 then call('UNLINK', prefix .. 'ids:' .. number)
    else spans[#spans + 1] = number end
  end
  if spans[#spans] ~= newest then
    spans[#spans + 1] = newest
    call('HSET', state, 'spans', table.concat(spans, ' '))
  end
  local count, members, known = #ids / 16, {}, {}
  for i = 1, count do members[i] = string.sub(ids, 16 * i - 15, 16 * i) end
  for _, number in ipairs(spans) do
    for at = 1, count, 4000 do
      local found = call('SMISMEMBER', prefix .. 'ids:' .. number, unpack(members, at, math.min(at + 3999, count)))
      for i = 1, #found do if found[i] == 1 then known[at + i - 1] = true end end
    end
  end
  local fresh = members
  if next(known) then
    fresh = {}
    for i = 1, count do if not known[i] then fresh[#fresh + 1] = members[i] end end
  end
  local taken = 0
  for at = 1, #fresh, 4000 do
    taken = taken + call('SADD', prefix .. 'ids:' .. newest, unpack(fresh, at, math.min(at + 3999, #fresh)))
  end
  if taken < #fresh then
    local seen = {}
    for i = 1, count do
      if not known[i] then
        if seen[members[i]] then known[i] = true end
        seen[members[i]] = true
      end
    end
  end
  local dropped = {}
  if taken < count then
    for i = 1, count do if known[i] then dropped[#dropped + 1] = struct.pack('<I4', i - 1) end end
  end
  dropped = table.concat(dropped)
  if taken == 0 then return {'0', dropped} end
  last, added, total = first + taken - 1, added + #chunk, total + taken
  call('XADD', stream, format('%.0f-0', last), 'm', format('%.0f %.0f %.0f', first, added, total), 'd', dropped,
       'c', chunk)
  call('HSET', state, 'last', format('%.0f', last), 'added', format('%.0f', added), 'total', format('%.0f', total))
  return {format('%.0f', first), dropped}
end
"""
APPEND = f"""{APPEND_LUA}
local replies = {{}}
for i = 1, #KEYS do
  local a = 5 * (i - 1)
  replies[i] = append(KEYS[i], ARGV[a + 1], ARGV[a + 2], ARGV[a + 3], ARGV[a + 4], ARGV[a + 5])
end
return replies
""".encode()
