"""Generations: the sets of tiles of a view that workers apply events to, and which of them is read.

A generation belongs to a view and the fingerprint of its declaration. Its name in a shard's hash is
`<quoted view>!<fingerprint>-<number>`; every batch goes into all generations that the shard names. A pointer says which
one is read. While a rebuild holds a shard, no intent can be opened there, so that a generation joins between two
batches and misses none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from streamrank.events.redis_streams.keys import project_key
from streamrank.events.shards import NEVER, SHARDS
from streamrank.stores.connection import Connection
from streamrank.stores.connection.requests import Command
from streamrank.stores.packing.keys import generation_prefix, pointer_key
from streamrank.stream.scripts import CONSUMER, call, call_keys, step

ALL = range(SHARDS)
GRACE_SECONDS = 60.0  # readers may be in the middle of a request by the pointer before

STATE = step(0, "  return {format('%.0f', committed(consumers)), call('HGET', worker, 'generations') or ''}")
HOLD = step(
    2,
    """
  local held, intent = unpack(call('HMGET', worker, 'hold', 'intent'))
  if held then
    local till, token = string.match(held, '(%d+) (.*)')
    if tonumber(till) > now and token ~= a[1] then return {'held'} end
  end
  call('HSET', worker, 'hold', format('%.0f', now + a[2]) .. ' ' .. a[1])
  if intent then return {'busy'} end
  return {'free', format('%.0f', committed(consumers))}
""",
)
JOIN = step(
    3,
    """
  local held, intent, names = unpack(call('HMGET', worker, 'hold', 'intent', 'generations'))
  local till, token = string.match(held or '', '(%d+) (.*)')
  if intent or token ~= a[1] or tonumber(till) <= now or committed(consumers) ~= tonumber(a[2]) then return 0 end
  call('HSET', worker, 'generations', names and names ~= '' and names .. ' ' .. a[3] or a[3])
  call('HDEL', worker, 'hold')
  return 1
""",
)
LET_GO = step(
    1,
    """
  if string.match(call('HGET', worker, 'hold') or '', '%d+ (.*)') == a[1] then call('HDEL', worker, 'hold') end
  return 1
""",
)
LEAVE = step(
    1,
    """
  local kept = {}
  for name in string.gmatch(call('HGET', worker, 'generations') or '', '%S+') do
    if name ~= a[1] then kept[#kept + 1] = name end
  end
  call('HSET', worker, 'generations', table.concat(kept, ' '))
  return 1
""",
)
SKIP = step(
    1,
    f"""
  local intent, names = unpack(call('HMGET', worker, 'intent', 'generations'))
  if intent or (names and names ~= '') or committed(consumers) ~= 0 then return 0 end
  call('HSET', consumers, '{CONSUMER}', a[1])
  return 1
""",
)
NUMBER = b"return {redis.call('INCR', KEYS[1])}"
LATER = b"""
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], string.format('%.0f', time[1] * 1000000 + time[2] + ARGV[2]), ARGV[1])
return {1}
"""
DUE = b"""
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])
return {redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 10)}
"""
SWITCH = b"""
redis.call('SET', KEYS[1], ARGV[1])
return {1}
"""


@dataclass(frozen=True)
class Generation:
    """view: its name. id: `<fingerprint>-<number>`, part of its keys."""

    view: str
    id: str

    @property
    def name(self) -> str:
        return f"{quote(self.view, safe='')}!{self.id}"

    @property
    def fingerprint(self) -> str:
        return self.id.rpartition("-")[0]

    @property
    def number(self) -> int:
        """Rises with every rebuild."""
        return int(self.id.rpartition("-")[2])

    def prefix(self, project: str) -> bytes:
        """What its keys start with."""
        return generation_prefix(project, self.view, self.id.encode())


def generation(name: str) -> Generation:
    view, _, own = name.partition("!")
    return Generation(unquote(view), own)


@dataclass(frozen=True)
class ShardState:
    """committed: the last position applied, NEVER where none. generations: those that every batch goes into."""

    committed: int
    generations: tuple[Generation, ...]


def states(connection: Connection, project: str) -> list[ShardState]:
    """Of every shard."""
    found = []
    for committed, names in call(connection, STATE, project, ALL, [()] * SHARDS):
        found.append(ShardState(int(committed) or NEVER, tuple(map(generation, names.decode().split()))))
    return found


def new_generation(connection: Connection, project: str, view: str, fingerprint: str) -> Generation:
    """One that no other has been named before."""
    key = project_key(project, f"generations:{quote(view, safe='')}")
    (number,) = call_keys(connection, NUMBER, [key], [()])
    return Generation(view, f"{fingerprint}-{number}")


def hold(
    connection: Connection, project: str, shards: Sequence[int], token: str, hold_us: int
) -> dict[int, int]:  # fmt: skip
    """Asks workers to open no intent for `hold_us` microseconds; the committed position of the shards that are at rest.

    The others have an intent open, or are held by somebody else: ask again.
    """
    replies = call(connection, HOLD, project, shards, [[token, hold_us]] * len(shards))
    return {
        shard: int(reply[1]) or NEVER
        for shard, reply in zip(shards, replies, strict=True)
        if reply[0] == b"free"
    }  # fmt: skip


def join(
    connection: Connection, project: str, token: str, committed: Mapping[int, int], joining: Generation
) -> set[int]:  # fmt: skip
    """Has every further batch of the shards go into `joining` too, and ends the hold; the shards where that was done.

    committed: what the generation holds of each shard, which must be what is committed there, under the hold.
    """
    arguments = [[token, max(0, position), joining.name] for position in committed.values()]
    replies = call(connection, JOIN, project, list(committed), arguments)
    return {shard for shard, reply in zip(committed, replies, strict=True) if reply}


def let_go(connection: Connection, project: str, shards: Sequence[int], token: str) -> None:
    """Ends holds before their time."""
    call(connection, LET_GO, project, shards, [[token]] * len(shards))


def leave(connection: Connection, project: str, leaving: Generation) -> None:
    """Has no further batch go into `leaving`."""
    call(connection, LEAVE, project, ALL, [[leaving.name]] * SHARDS)


def skip(connection: Connection, project: str, positions: Mapping[int, int]) -> None:
    """Takes shards that were never worked on, and have no generation, to these positions without applying anything."""
    call(connection, SKIP, project, list(positions), [[max(0, position)] for position in positions.values()])


def read_by(connection: Connection, project: str, view: str, fingerprint: str) -> Generation | None:
    """The generation that is read, None where the view has not been filled yet."""
    (held,) = connection.ask(Command(b"GET", pointer_key(project, view, fingerprint)))
    return Generation(view, held.decode()) if held else None


def switch(connection: Connection, project: str, to: Generation) -> None:
    """Has every reader read `to` from now on."""
    call_keys(connection, SWITCH, [pointer_key(project, to.view, to.fingerprint)], [[to.id]])


def drop_later(connection: Connection, project: str, dropped: Iterable[Generation], seconds: float) -> None:
    """Has the keys of generations deleted by whichever worker looks once so many seconds have passed."""
    for one in dropped:
        arguments = [one.prefix(project), int(seconds * 1_000_000)]
        call_keys(connection, LATER, [_dropped(project)], [arguments])


def keep(connection: Connection, project: str, kept: Generation) -> None:
    """Takes back that a generation's keys are to be deleted."""
    connection.ask(Command(b"ZREM", _dropped(project), kept.prefix(project)))


def drop_due(connection: Connection, project: str) -> int:
    """Deletes what is due; how many keys they were."""
    (prefixes,) = call_keys(connection, DUE, [_dropped(project)], [()])
    keys = 0
    for prefix in prefixes:
        keys += connection.delete_prefix(prefix)
        connection.ask(Command(b"ZREM", _dropped(project), prefix))
    return keys


def forget(connection: Connection, project: str, view: str) -> None:
    """Ends every generation of a view that is declared no more; its keys are deleted by the caller."""
    for one in {one for state in states(connection, project) for one in state.generations if one.view == view}:
        leave(connection, project, one)


def retire(connection: Connection, project: str, one: Generation) -> None:
    """Ends a generation that nobody reads, or of a declaration that is no more, at once; its keys are deleted later."""
    if read_by(connection, project, one.view, one.fingerprint) == one:
        connection.ask(Command(b"UNLINK", pointer_key(project, one.view, one.fingerprint)))
    leave(connection, project, one)
    drop_later(connection, project, [one], GRACE_SECONDS)


def _dropped(project: str) -> bytes:
    return project_key(project, "dropped")
