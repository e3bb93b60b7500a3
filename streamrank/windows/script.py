"""The server-side merge of one view, written out for its layout: Lua is quickest where nothing is looked up.

KEYS: any number. ARGV: an argument a key, as `deltas` makes them, then, where keys expire, the milliseconds.
Answers one letter a key: 1 merged, 0 skipped since every shard's range was applied before, M some ranges were and
others not (nothing is done), T a range is applied in part, O a sum or count would no longer be exact, V another format.
"""

from functools import lru_cache

from streamrank.windows.layout import EXACT, VERSION, WORD, Layout, Tile, layout_of
from streamrank.windows.slots import Ring, Slot

LARGE = 1_024  # bytes from which the parts that change are written instead of the whole: the append-only file has both
MERGED, SKIPPED, MIXED, TORN, OVERFLOW, FORMAT = b"10MTOV"

MAIN = """
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


@lru_cache
def script(rings: tuple[Ring, ...], lifetime: tuple[Slot, ...]) -> bytes:
    """The script of the views with these rings and lifetime slots."""
    layout = layout_of(rings, lifetime)
    numbers = range(len(layout.tiles))
    combines = [_combine(f"tile{n}", *_tile_fields(tile)) for n, tile in enumerate(layout.tiles)]
    combines += [_combine("forever", *_lifetime_fields(layout))] if lifetime else []
    head = layout.head * WORD
    return (MAIN % {
        "head": head, "head_words": layout.head, "version": VERSION, "combines": "\n".join(combines),
        "count_formats": "I2" * len(rings), "padding": "x" * (head - 4 - 2 * len(rings)),
        "held_counts": "".join(f", h{n}" for n in numbers), "new_counts": "".join(f", d{n}" for n in numbers),
        "counts": "".join(f", n{n}" for n in numbers),
        "large": LARGE, "life_edit": f", h - {layout.lifetime_words * WORD + 1}, life" if lifetime else "",
        "in_places": "\n".join(_edit_ring(n, tile) for n, tile in enumerate(layout.tiles)),
        "lifetime": _merge_lifetime(layout) if lifetime else "",
        "rings": "\n".join(_merge_ring(n, tile) for n, tile in enumerate(layout.tiles)),
        "parts": " .. ".join(["stamps", *(["life"] if lifetime else []), *(f"r{n}" for n in numbers)]),
    }).encode()  # fmt: skip


def _merge_lifetime(layout: Layout) -> str:
    size = layout.lifetime_words * WORD
    return f"""  local life = forever(held, h, new, d)
  if not life then return 'O' end
  h, d = h + {size}, d + {size}
"""


def _merge_ring(number: int, tile: Tile) -> str:
    width = tile.width * WORD
    form = f"{width}, {tile.kept}, tile{number}"
    return f"""  local r{number}, n{number} = ring(held, h, h{number}, new, d, d{number}, {form})
  if not r{number} then return 'O' end
  h, d = h + h{number} * {width}, d + d{number} * {width}"""


def _edit_ring(number: int, tile: Tile) -> str:
    width = tile.width * WORD
    form = f"{width}, {tile.kept}, tile{number}"
    return f"""    if fits then
      fits = in_place(held, h, h{number}, new, d, d{number}, {form}, edits)
      if fits == nil then return 'O' end
      h, d = h + h{number} * {width}, d + d{number} * {width}
    end"""


Fields = list[tuple[str, str]]  # format and how two merge


def _tile_fields(tile: Tile) -> tuple[Fields, int]:
    counts = [("I4", "first"), *(("I4", "count") for _ in tile.counts)]
    padding = [("xxxx", "")] if len(counts) % 2 else []
    return counts + padding + _word_fields(tile.words), 2**32 - 1


def _lifetime_fields(layout: Layout) -> tuple[Fields, int]:
    return _word_fields(layout.lifetime), EXACT


def _word_fields(slots: object) -> Fields:
    kinds = {"count": [("i8", "sum")], "sum": [("i8", "sum")], "min": [("d", "min")], "max": [("d", "max")],
             "last": [("i8", "last"), ("i8", "then"), ("d", "then")]}  # fmt: skip
    return [field for slot in slots for field in kinds[slot.function]]


def _combine(name: str, fields: Fields, most_count: int) -> str:
    """A Lua function of two strings and where a record begins in each: the record of both, nil where not exact."""
    form = "<" + "".join(code for code, _ in fields)
    kinds = [kind for _, kind in fields if kind]
    mine, theirs = ([f"{letter}{n}" for n in range(len(kinds))] for letter in "ab")
    steps = [_step(n, kind, most_count) for n, kind in enumerate(kinds)]
    return f"""
local function {name}(held, h, new, d)
  local {", ".join(mine)} = unpack('{form}', held, h)
  local {", ".join(theirs)} = unpack('{form}', new, d)
{chr(10).join(step for step in steps if step)}
  return pack('{form}', {", ".join(mine)})
end"""


def _step(n: int, kind: str, most_count: int) -> str:
    a, b = f"a{n}", f"b{n}"
    if kind in ("count", "sum"):
        most = most_count if kind == "count" else EXACT
        low = f" or {a} < -{EXACT}" if kind == "sum" else ""
        return f"  {a} = {a} + {b}\n  if {a} > {most}{low} then return nil end"
    if kind in ("min", "max"):
        sign = "<" if kind == "min" else ">"
        return f"  if {a} ~= {a} or {b} {sign} {a} then {a} = {b} end"
    if kind == "last":
        a1, b1, a2, b2 = f"a{n + 1}", f"b{n + 1}", f"a{n + 2}", f"b{n + 2}"
        later = f"{b} > {a} or ({b} == {a} and ({b1} > {a1} or ({b1} == {a1} and {b2} > {a2})))"
        return f"  if {b2} == {b2} and ({a2} ~= {a2} or {later}) then {a}, {a1}, {a2} = {b}, {b1}, {b2} end"
    return ""
