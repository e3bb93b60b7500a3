"""Intents: what a worker is about to apply, written down before it does, so that another can finish exactly that.

A shard has at most one open intent: epoch, first and last position, where the events are read from, and the
generations that they go into. Opening demands the current owner and epoch, that `first` follows what is committed, no
open intent and no hold of a rebuild. Closing it and committing its last position are one step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from streamrank.stores.connection import Connection
from streamrank.stream.scripts import CONSUMER, call, step

Place = Literal["bus", "log"]
LOST, BUSY, HELD, MOVED = "lost", "busy", "held", "moved"

OPEN = step(
    6,
    """
  local owner, epoch, before, first, last, place = unpack(a)
  local held = call('HMGET', worker, 'owner', 'epoch', 'intent', 'hold', 'generations')
  if held[1] ~= owner or held[2] ~= epoch then return {'lost'} end
  if held[3] then return {'busy'} end
  if held[4] and tonumber(string.match(held[4], '^%d+')) > now then return {'held'} end
  if committed(consumers) ~= tonumber(before) then return {'moved'} end
  local generations = held[5] or ''
  call('HSET', worker, 'intent', table.concat({epoch, first, last, place, generations}, ' '))
  return {'open', generations}
""",
)
CLOSE = step(
    4,
    f"""
  local owner, epoch, first, last = unpack(a)
  local held = call('HMGET', worker, 'owner', 'epoch', 'intent')
  if held[1] ~= owner or held[2] ~= epoch or not held[3] then return 0 end
  local from, to = string.match(held[3], '^%S+ (%S+) (%S+)')
  if from ~= first or to ~= last then return 0 end
  call('HSET', consumers, '{CONSUMER}', last)
  call('HDEL', worker, 'intent')
  return 1
""",
)


@dataclass(frozen=True)
class Intent:
    """The events first <= position <= last of a shard, from `place`, go into `generations` (their names)."""

    epoch: int
    first: int
    last: int
    place: Place
    generations: tuple[str, ...]


def open_intents(
    connection: Connection,
    project: str,
    owner: str,
    epochs: Mapping[int, int],
    committed: Mapping[int, int],
    lasts: Mapping[int, int],
    place: Place = "bus",
) -> tuple[dict[int, Intent], dict[int, str]]:
    """Opens an intent for what follows `committed` up to `lasts`, by shard.

    Returns those that are open now and, for the others, why not: LOST, another worker has claimed the shard; BUSY, an
    intent is open; HELD, a rebuild asks for a moment; MOVED, something else than `committed` is.
    """
    arguments = [
        [owner, epochs[shard], max(0, committed[shard]), committed[shard] + 1, last, place]
        for shard, last in lasts.items()
    ]
    replies = call(connection, OPEN, project, list(lasts), arguments)
    opened: dict[int, Intent] = {}
    refused: dict[int, str] = {}
    for shard, (verdict, *generations) in zip(lasts, replies, strict=True):
        if generations:
            names = tuple(generations[0].decode().split())
            opened[shard] = Intent(epochs[shard], committed[shard] + 1, lasts[shard], place, names)
        else:
            refused[shard] = verdict.decode()
    return opened, refused


def close_intents(
    connection: Connection, project: str, owner: str, epochs: Mapping[int, int], intents: Mapping[int, Intent]
) -> set[int]:
    """Commits each intent's last position; the shards where that was refused, since another worker has claimed them."""
    arguments = [[owner, epochs[shard], one.first, one.last] for shard, one in intents.items()]
    replies = call(connection, CLOSE, project, list(intents), arguments)
    return {shard for shard, reply in zip(intents, replies, strict=True) if not reply}


def read_intent(text: bytes) -> Intent | None:
    """The intent that a shard's hash tells of, None where none is open."""
    if not text:
        return None
    epoch, first, last, place, *generations = text.decode().split()
    return Intent(int(epoch), int(first), int(last), place, tuple(generations))
