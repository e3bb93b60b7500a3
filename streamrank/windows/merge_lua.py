"""The text of the server-side merge, with places for what depends on a view's layout; `script` fills them in.

A value that is not there yet is the argument itself. Otherwise `merged` gives a verdict and either the new value or,
where no tile has to be put in or taken out of a large one, the parts to be overwritten.
"""

TEXT = """
local call, unpack, pack, sub, concat = redis.call, struct.unpack, struct.pack, string.sub, table.concat
local band = bit.band

local function bits(word)
  local n = 0
  while word > 0 do
    local bit1 = word %% 2
    n, word = n + bit1, (word - bit1) / 2
  end
  return n
end

-- Of shards in both: how many ranges are fresh, how many done before; nil where one is done in part.
local function judge(n, held, h, new, d, f)
  local format, fresh = '<' .. string.rep('i8', n), 0
  local at, last, first = {unpack(format, held, h)}, {unpack(format, new, d)}, {unpack(format, new, f)}
  for i = 1, n do
    if at[i] < first[i] then fresh = fresh + 1
    elseif at[i] < last[i] then return nil end
  end
  return fresh, n - fresh
end

-- A verdict, or nil, the positions to be stored, and where those of either string end.
local function positions(held, have, new, given)
  local n, h, d = bits(given), %(head)d + 1, %(head)d + 1
  local f = #new - 8 * n + 1
  if have == given then
    local fresh, done = judge(n, held, h, new, d, f)
    if not fresh then return 'T' elseif fresh == 0 then return '0' elseif done > 0 then return 'M' end
    return nil, sub(new, d, d + 8 * n - 1), h + 8 * n, d + 8 * n
  end
  local out, m, fresh, done = {}, 0, 0, 0
  while have + given > 0 do
    local inheld, innew = have %% 2, given %% 2
    have, given = (have - inheld) / 2, (given - innew) / 2
    if innew == 1 then
      local fresh1, done1 = 1, 0
      if inheld == 1 then fresh1, done1 = judge(1, held, h, new, d, f) end
      if not fresh1 then return 'T' end
      m, fresh, done = m + 1, fresh + fresh1, done + done1
      out[m] = sub(new, d, d + 7)
      d, f = d + 8, f + 8
    elseif inheld == 1 then
      m = m + 1
      out[m] = sub(held, h, h + 7)
    end
    h = h + 8 * inheld
  end
  if fresh == 0 then return '0' elseif done > 0 then return 'M' end
  return nil, concat(out), h, d
end
%(combines)s
local function ring(held, h, hn, new, d, dn, width, kept, combine)
  if dn == 0 then return sub(held, h, h + hn * width - 1), hn end
  if hn == 0 then return sub(new, d, d + dn * width - 1), dn end
  local hend, dend = h + hn * width, d + dn * width
  local newest, other = unpack('<I4', held, hend - width), unpack('<I4', new, dend - width)
  if other > newest then newest = other end
  local oldest = newest - kept
  while h < hend and unpack('<I4', held, h) < oldest do h = h + width end
  local first = unpack('<I4', new, d)
  while d < dend and first < oldest do
    d = d + width
    if d < dend then first = unpack('<I4', new, d) end
  end
  if d == dend then return sub(held, h, hend - 1), (hend - h) / width end
  local at = hend
  while at > h and unpack('<I4', held, at - width) >= first do at = at - width end
  local out, n, count = {sub(held, h, at - 1)}, 1, (hend - h) / width
  while d < dend do
    local tile = unpack('<I4', new, d)
    while at < hend and unpack('<I4', held, at) < tile do
      n = n + 1
      out[n] = sub(held, at, at + width - 1)
      at = at + width
    end
    n = n + 1
    if at < hend and unpack('<I4', held, at) == tile then
      out[n] = combine(held, at, new, d)
      if not out[n] then return nil end
      at = at + width
    else
      out[n] = sub(new, d, d + width - 1)
      count = count + 1
    end
    d = d + width
  end
  if at < hend then out[n + 1] = sub(held, at, hend - 1) end
  return concat(out), count
end

-- Changes in place, as (where, what) pairs; false where a tile has to be put in, nil where not exact.
local function in_place(held, h, hn, new, d, dn, width, kept, combine, edits)
  if dn == 0 then return true end
  if hn == 0 then return false end
  local at, n = h + (hn - 1) * width, #edits
  local newest = unpack('<I4', held, at)
  for o = d + (dn - 1) * width, d, -width do
    local tile = unpack('<I4', new, o)
    local mine = unpack('<I4', held, at)
    while mine > tile and at > h do
      at = at - width
      mine = unpack('<I4', held, at)
    end
    if mine == tile then
      local record = combine(held, at, new, o)
      if not record then return nil end
      edits[n + 1], edits[n + 2] = at - 1, record
      n = n + 2
    elseif tile >= newest - kept then return false end
  end
  return true
end

local function merged(held, new)
  local version, _, have%(held_counts)s = unpack('<BBI2%(count_formats)s', held)
  local _, _, given%(new_counts)s = unpack('<BBI2%(count_formats)s', new)
  if version ~= %(version)d then return 'V' end
  local verdict, stamps, h, d = positions(held, have, new, given)
  if verdict then return verdict end
%(lifetime)s
  if #held > %(large)d and band(have, given) == given then
    local h, d, fits, edits = h, d, true, {%(head)d, stamps%(life_edit)s}
%(in_places)s
    if fits then return '1', nil, edits end
  end
%(rings)s
  local shards = bit.bor(have, given)
  return '1', pack('<BBI2%(count_formats)s%(padding)s', %(version)d, %(head_words)d, shards%(counts)s) .. %(parts)s
end

local rows, verdicts = #KEYS, {}
local expiry = tonumber(ARGV[rows + 1])
local longer = expiry and string.format('%%.0f', expiry + expiry / 16)
for i = 1, rows do
  local key, new = KEYS[i], ARGV[i]
  local held, verdict, value, edits = call('GET', key), '1'
  if held then
    verdict, value, edits = merged(held, new)
  else
    local _, _, given = unpack('<BBI2', new)
    value = sub(new, 1, #new - 8 * bits(given))
  end
  if value then
    if expiry then call('SET', key, value, 'PX', longer) else call('SET', key, value) end
  elseif edits then
    for j = 1, #edits, 2 do call('SETRANGE', key, edits[j], edits[j + 1]) end
    if expiry and call('PTTL', key) < expiry then call('PEXPIRE', key, longer) end
  end
  verdicts[i] = verdict
end
return concat(verdicts)
"""
