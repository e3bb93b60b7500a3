"""Publishing: what arrives passes the door, is filled with what is known of its items, and goes onto the bus.

The one way in for HTTP, the command line and whoever holds a bus.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pyarrow as pa

from catalog.dataset import DataSet
from catalog.filling import KnownItems, filled_by, heard, known_items_of, told_by
from catalog.live.on_air import OnAir, live_items
from catalog.schema import PUBLISHED, shard_keys
from catalog.unheard import unheard
from streamrank import clock
from streamrank.events.bus import Bus
from streamrank.events.redis_streams import RedisStreams
from streamrank.settings import settings
from validation.door import Admission, admit_arriving


@dataclass(frozen=True)
class Door:
    """What the door knows of a data set. integer_ids: which of user_id and item_id must look like integers.

    news: what is said of items at other doors, once it has been applied.
    """

    known: KnownItems = field(default_factory=KnownItems)
    integer_ids: tuple[str, ...] = ()
    news: OnAir | None = None

    def listen(self) -> None:
        """Learns what is new; one small round trip. Raises what a connection does when no server answers."""
        if self.news is not None:
            self.known.learn(heard(self.news.sync()))


@dataclass(frozen=True)
class Receipt:
    """What became of the offered rows.

    taken, duplicates: events that the bus took, and that it had taken before. refused: the other rows as they came,
    with `row` (place in the offer, from 0) and `reason`. unknown_items: events taken whose item nobody has described;
    they count without creator and topics. ignored: columns of the offer that no event has, and attributes of updates
    that nothing is made of.
    """

    taken: int
    duplicates: int
    refused: pa.Table
    unknown_items: int
    ignored: tuple[str, ...]


def open_door(data: DataSet, bus: RedisStreams | None = None) -> Door:
    """The door of a data set, with what its items file and event log say of items; DataSetMissing without one.

    bus: what events of other doors say of items is heard through it.
    """
    manifest = data.manifest()
    ids = {"user_id": manifest.user_ids, "item_id": manifest.item_ids}
    integers = tuple(name for name, kind in ids.items() if kind == "integer")
    return Door(known_items_of(data), integers, OnAir(live_items(bus.connection, bus.project)) if bus else None)


def publish(bus: Bus, rows: pa.Table, door: Door | None = None) -> Receipt:
    """Offers `rows` (n, any columns of PUBLISHED in any type that can be read as its) to the bus.

    door: learns of items from what the bus takes. Raises BusFull when the bus is full and stays so: offering the same
    rows again, with their event_ids or equal contents, takes the others and these once.
    """
    return publish_all(bus, [rows], door or Door())[0]


def publish_all(bus: Bus, offers: Sequence[pa.Table], door: Door) -> list[Receipt]:
    """The same for several offers at once, each judged by itself, in one round trip."""
    now, tolerance = clock.now_us(), settings().future_tolerance // timedelta(microseconds=1)
    admitted = [admit_arriving(rows, now, tolerance, door.integer_ids) for rows in offers]
    good = pa.concat_tables([admission.good for admission in admitted])
    door.listen()
    told = told_by(good, now + np.arange(len(good)))
    events, unknown = filled_by(good, door.known, told)
    published = bus.publish(events, shard_keys(events))
    taken = published.taken
    if told:  # what a retry repeats is no news
        door.known.learn(told_by(events.filter(pa.array(taken)), published.positions[taken]))
    ends = np.cumsum([len(admission.good) for admission in admitted])
    parts = zip(*(np.split(flags, ends[:-1]) for flags in (taken, published.duplicate, unknown & taken)), strict=True)
    return [
        Receipt(int(took.sum()), int(again.sum()), admission.bad, int(nobodys.sum()), _ignored(rows, admission))
        for rows, admission, (took, again, nobodys) in zip(offers, admitted, parts, strict=True)
    ]


def _ignored(rows: pa.Table, admission: Admission) -> tuple[str, ...]:
    return (*(name for name in rows.column_names if name not in PUBLISHED.names), *unheard(admission.good))
