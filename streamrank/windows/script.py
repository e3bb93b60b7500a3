"""The server-side merge of one view, written out for its layout: Lua is quickest where nothing is looked up.

KEYS: any number. ARGV: an argument a key, as `deltas` makes them, then, where keys expire, the milliseconds.
Answers one letter a key: 1 merged, 0 skipped since every shard's range was applied before, M some ranges were and
others not (nothing is done), T a range is applied in part, O a sum or count would no longer be exact, V another format.
"""

from functools import lru_cache

from streamrank.windows.layout import EXACT, VERSION, WORD, Layout, Tile, layout_of
from streamrank.windows.merge_lua import TEXT
from streamrank.windows.slots import Ring, Slot

LARGE = 1_024  # bytes from which the parts that change are written instead of the whole: the append-only file has both
MERGED, SKIPPED, MIXED, TORN, OVERFLOW, FORMAT = b"10MTOV"


@lru_cache
def script(rings: tuple[Ring, ...], lifetime: tuple[Slot, ...]) -> bytes:
    """The script of the views with these rings and lifetime slots."""
    layout = layout_of(rings, lifetime)
    numbers = range(len(layout.tiles))
    combines = [_combine(f"tile{n}", *_tile_fields(tile)) for n, tile in enumerate(layout.tiles)]
    combines += [_combine("forever", *_lifetime_fields(layout))] if lifetime else []
    head = layout.head * WORD
    return (TEXT % {
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
SIZES = {"I4": 4, "xxxx": 4, "i8": 8, "d": 8}
MOST_FIELDS = 60  # at a time: a Lua function has 200 local variables


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
    pieces, offset, at = [], 0, 0
    while at < len(fields):
        stop = at + MOST_FIELDS
        while stop < len(fields) and fields[stop][1] in ("then", ""):  # what belongs to the field before it
            stop += 1
        pieces.append(_piece(len(pieces), fields[at:stop], offset, most_count))
        offset, at = offset + sum(SIZES[code] for code, _ in fields[at:stop]), stop
    parts = " .. ".join(f"p{number}" for number in range(len(pieces)))
    return f"\nlocal function {name}(held, h, new, d)\n{''.join(pieces)}  return {parts}\nend"


def _piece(number: int, fields: Fields, offset: int, most_count: int) -> str:
    form = "<" + "".join(code for code, _ in fields)
    kinds = [kind for _, kind in fields if kind]
    mine, theirs = (", ".join(f"{letter}{n}" for n in range(len(kinds))) for letter in "ab")
    steps = "\n".join(filter(None, (_step(n, kind, most_count) for n, kind in enumerate(kinds))))
    return f"""  local p{number}
  do
  local {mine} = unpack('{form}', held, h + {offset})
  local {theirs} = unpack('{form}', new, d + {offset})
{steps}
  p{number} = pack('{form}', {mine})
  end
"""


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
