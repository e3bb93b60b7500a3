"""The compare-and-set: a row is stored unless what is there is newer by (event timestamp, created)."""

import hashlib

# Lua's numbers are doubles, exact to 2^53 only, so the two 64-bit stamps at bytes 8..24 are compared in halves.
# KEYS: one or more; ARGV: as many values, then, where any row expires, as many relative milliseconds (0: never).
# Answers one character a key: 1 stored, 0 refused. A value shorter than a header is no row of ours and is replaced.
COMPARE_AND_SET = b"""
local rows, verdicts = #KEYS, {}
local expiring = #ARGV > rows
local call, unpack = redis.call, struct.unpack
for i = 1, rows do
  local key, value = KEYS[i], ARGV[i]
  local held = call('GETRANGE', key, 8, 23)
  local stale = false
  if #held == 16 then
    local el, eh, cl, ch = unpack('<I4i4I4i4', held)
    local nel, neh, ncl, nch = unpack('<I4i4I4i4', value, 9)
    if neh ~= eh then stale = neh < eh
    elseif nel ~= el then stale = nel < el
    elseif nch ~= ch then stale = nch < ch
    else stale = ncl < cl end
  end
  if stale then
    verdicts[i] = '0'
  else
    if expiring and ARGV[rows + i] ~= '0' then call('SET', key, value, 'PX', ARGV[rows + i])
    else call('SET', key, value) end
    verdicts[i] = '1'
  end
end
return table.concat(verdicts)
"""
DIGEST = hashlib.sha1(COMPARE_AND_SET).hexdigest().encode()
