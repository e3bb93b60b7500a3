"""Publishing: what arrives passes the door, is filled with what is known of its items, and goes onto the bus.

The one way in for HTTP, the command line and whoever holds a bus.
"""

from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa

from catalog.filling import KnownItems, filled_by, told_by
from catalog.schema import PUBLISHED, shard_keys
from streamrank import clock
from streamrank.events.bus import Bus
from streamrank.settings import settings
from validation.door import admit_arriving


@dataclass(frozen=True)
class Receipt:
    """What became of the offered rows.

    taken, duplicates: events that the bus took, and that it had taken before. refused: the other rows as they came,
    with `row` (place in the offer, from 0) and `reason`. unknown_items: events taken whose item nobody has described;
    they count without creator and topics. ignored: columns of the offer that no event has.
    """

    taken: int
    duplicates: int
    refused: pa.Table
    unknown_items: int
    ignored: tuple[str, ...]


def publish(bus: Bus, rows: pa.Table, known: KnownItems | None = None) -> Receipt:
    """Offers `rows` (n, any columns of PUBLISHED in any type that can be read as its) to the bus.

    known: what is known of items; learns from what the bus takes. Raises BusFull when the bus is full and stays so:
    offering the same rows again, with their event_ids or equal contents, takes the others and these once.
    """
    known = known if known is not None else KnownItems()
    admission = admit_arriving(rows, clock.now_us(), settings().future_tolerance // timedelta(microseconds=1))
    told = told_by(admission.good)
    events, unknown = filled_by(admission.good, known, told)
    published = bus.publish(events, shard_keys(events))
    taken = published.taken
    known.learn(told if taken.all() else told_by(events.filter(pa.array(taken))))  # a retry tells nothing new
    return Receipt(
        taken=int(taken.sum()),
        duplicates=int(published.duplicate.sum()),
        refused=admission.bad,
        unknown_items=int((unknown & taken).sum()),
        ignored=tuple(name for name in rows.column_names if name not in PUBLISHED.names),
    )
