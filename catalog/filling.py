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
from streamrank.events.shards import NEVER

Attributes = tuple[str | None, tuple[str, ...] | None, int]
"""creator_id and topics of an item, None where nobody said; position of the last event that said so."""
NOTHING: Attributes = (None, None, NEVER)
PART = "\x1f"


class KnownItems:
    """item_id -> creator_id and topics. About 200 bytes an item; one thread at a time."""

    def __init__(self, items: pa.Table | None = None) -> None:
        """items: item_id (string, unique), creator_id, topics."""
        self._attributes = _attributes(items) if items is not None else {}

    def __len__(self) -> int:
        return len(self._attributes)

    def learn(self, told: Mapping[str, Attributes]) -> None:
        """Takes what `told` names over what was known, unless that was said later; what it does not name stays."""
        self._attributes |= {item_id: self._of(item_id, told) for item_id in told}

    def of(self, item_ids: pa.Array, told: Mapping[str, Attributes]) -> tuple[pa.Array, pa.Array, np.ndarray]:
        """(creator_id string [n], topics list [n], known bool [n]) of `item_ids` [n], with `told` over what is known.

        A null id is unknown.
        """
        coded = item_ids.dictionary_encode()
        names = coded.dictionary.to_pylist()
        found = [self._of(name, told) for name in names]
        known = pa.array([name in self._attributes or name in told for name in names], pa.bool_())
        creators = pa.array([creator for creator, _, _ in found], pa.string())
        topics = pa.array([parts for _, parts, _ in found], TOPICS)
        there = pc.fill_null(known.take(coded.indices), False).to_numpy(zero_copy_only=False)
        return creators.take(coded.indices), topics.take(coded.indices), there

    def _of(self, item_id: str, told: Mapping[str, Attributes]) -> Attributes:
        known, fresh = self._attributes.get(item_id, NOTHING), told.get(item_id, NOTHING)
        if fresh[2] < known[2]:
            known, fresh = fresh, known
        return fresh[0] or known[0], fresh[1] or known[1], fresh[2]


def known_items_of(data: DataSet) -> KnownItems:
    """What the data set's items file says, where it has one, and then the updates in its event log."""
    items = pq.read_table(data.items, columns=["item_id", "creator_id", "topics"]) if data.items.exists() else None
    known = KnownItems(items)
    updates = updates_of(EVENTS.empty_table(), EventLog(data.events).files())
    updates = updates.set_column(1, "arrived_at", updates["arrived_at"].cast(pa.int64()))  # a position, in other words
    known.learn(_attributes(query(LATEST, updates=updates)))
    return known


def told_by(events: pa.Table, positions: np.ndarray) -> dict[str, Attributes]:
    """What the events (columns of PUBLISHED) tell of items; of several about one item, what the last ones name.

    positions: int64 [n], by which one comes after another.
    """
    telling = pc.is_in(events["event_type"], pa.array(TELLING))
    if not pc.any(telling, min_count=0).as_py():
        return {}
    placed = events.append_column("arrived_at", pa.array(positions)).filter(telling)
    updates = quick(UPDATES.format(place="placed"), placed=placed)
    return _attributes(quick(LATEST, updates=updates))


def heard(states: pa.Table) -> dict[str, Attributes]:
    """What changed of items by events that passed any door: rows of `catalog.live.item_states.ITEM_STATES`."""
    return _attributes(states) if len(states) else {}


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
    creators, ids = items["creator_id"].to_pylist(), items["item_id"].to_pylist()
    positions = items["position"].to_pylist() if "position" in items.column_names else [NEVER] * len(items)
    return dict(zip(ids, zip(creators, topics, positions, strict=True), strict=True))


LATEST = """
SELECT item_id, arg_max(creator_id, arrived_at) FILTER (creator_id IS NOT NULL) AS creator_id,
       arg_max(topics, arrived_at) FILTER (len(topics) > 0) AS topics, max(arrived_at) AS position
FROM updates WHERE item_id IS NOT NULL GROUP BY item_id
"""
