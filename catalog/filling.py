"""What is known of items at the door: who made them and what they are about, for the events that do not say so.

Known is what the items file and the log's updates say when the door opens, and from then on what arrives: an
item_update or item_start that passes this door counts at once, one that passed another as soon as it is heard of.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from catalog.arrivals import TELLING, UPDATES, updates_of
from catalog.dataset import DataSet
from catalog.schema import EVENTS, TOPICS
from catalog.sql import query, quick
from streamrank.events.log import EventLog

Attributes = tuple[str | None, tuple[str, ...] | None]
"""creator_id and topics of an item, None where nobody said."""
NOTHING: Attributes = (None, None)
PART = "\x1f"


class KnownItems:
    """item_id -> creator_id and topics. About 200 bytes an item; one thread at a time."""

    def __init__(self, items: pa.Table | None = None) -> None:
        """items: item_id (string, unique), creator_id, topics."""
        self._attributes = _attributes(items) if items is not None else {}

    def __len__(self) -> int:
        return len(self._attributes)

    def learn(self, told: Mapping[str, Attributes]) -> None:
        """Takes what `told` names over what was known; what it does not name stays."""
        self._attributes |= {item_id: self._of(item_id, told) for item_id in told}

    def of(self, item_ids: pa.Array, told: Mapping[str, Attributes]) -> tuple[pa.Array, pa.Array, np.ndarray]:
        """(creator_id string [n], topics list [n], known bool [n]) of `item_ids` [n], with `told` over what is known.

        A null id is unknown.
        """
        coded = item_ids.dictionary_encode()
        names = coded.dictionary.to_pylist()
        found = [self._of(name, told) for name in names]
        known = pa.array([name in self._attributes or name in told for name in names], pa.bool_())
        creators = pa.array([creator for creator, _ in found], pa.string())
        topics = pa.array([parts for _, parts in found], TOPICS)
        there = pc.fill_null(known.take(coded.indices), False).to_numpy(zero_copy_only=False)
        return creators.take(coded.indices), topics.take(coded.indices), there

    def _of(self, item_id: str, told: Mapping[str, Attributes]) -> Attributes:
        creator, topics = told.get(item_id, NOTHING)
        known_creator, known_topics = self._attributes.get(item_id, NOTHING)
        return creator or known_creator, topics or known_topics


def known_items_of(data: DataSet) -> KnownItems:
    """What the data set's items file says, where it has one, and then the updates in its event log."""
    items = pq.read_table(data.items, columns=["item_id", "creator_id", "topics"]) if data.items.exists() else None
    known = KnownItems(items)
    known.learn(_attributes(query(LATEST, updates=updates_of(EVENTS.empty_table(), EventLog(data.events).files()))))
    return known


def told_by(events: pa.Table) -> dict[str, Attributes]:
    """What the events (columns of PUBLISHED) tell of items; of several about one item, what the last ones name."""
    telling = events.filter(pc.is_in(events["event_type"], pa.array(TELLING)))
    if not len(telling):
        return {}
    numbered = telling.append_column("arrived_at", pa.array(np.arange(len(telling))))
    updates = quick(UPDATES.format(place="telling"), telling=numbered)
    return _attributes(quick(LATEST, updates=updates))


def filled_by(events: pa.Table, known: KnownItems, told: Mapping[str, Attributes]) -> tuple[pa.Table, np.ndarray]:
    """`events` [n] with creator_id and topics where they do not bring their own, and which name an unknown item."""
    item_ids = events["item_id"].combine_chunks()
    creators, topics, there = known.of(item_ids, told)
    for name, column in (("creator_id", creators), ("topics", topics)):
        place = events.schema.get_field_index(name)
        events = events.set_column(place, events.schema.field(place), _coalesced(events[name], column))
    return events, ~there & pc.is_valid(item_ids).to_numpy(zero_copy_only=False)


def _coalesced(own: pa.ChunkedArray, known: pa.Array) -> pa.Array | pa.ChunkedArray:
    if own.null_count == len(own):
        return known
    return pc.if_else(pc.is_valid(own), own, known) if own.null_count else own


def _attributes(items: pa.Table) -> dict[str, Attributes]:
    """Equal lists of topics are one object: a million items have few of them."""
    joined = pc.binary_join(items["topics"].cast(TOPICS), PART).combine_chunks().dictionary_encode()
    lists = [tuple(part for part in text.split(PART) if part) or None for text in joined.dictionary.to_pylist()]
    topics = [None if code is None else lists[code] for code in joined.indices.to_pylist()]
    creators = items["creator_id"].to_pylist()
    return dict(zip(items["item_id"].to_pylist(), zip(creators, topics, strict=True), strict=True))


LATEST = """
SELECT item_id, arg_max(creator_id, arrived_at) FILTER (creator_id IS NOT NULL) AS creator_id,
       arg_max(topics, arrived_at) FILTER (len(topics) > 0) AS topics
FROM updates WHERE item_id IS NOT NULL GROUP BY item_id
"""
