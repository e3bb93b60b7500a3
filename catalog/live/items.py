"""What events say of items goes where it is needed: attributes to the online store, then the item on or off air."""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from catalog.live.attributes import AttributeRows
from catalog.live.item_states import next_states
from catalog.live.latest import Latest
from catalog.live.restoring import Restoring
from catalog.schema import ABOUT_ITEMS

_ABOUT = pa.array(ABOUT_ITEMS)


class Items:
    """A processor of the worker. Whatever it writes is a row that a newer one beats, so it may write anything again."""

    def __init__(self, items: Latest, attributes: AttributeRows, restoring: Restoring) -> None:
        self._items, self._attributes, self._restoring = items, attributes, restoring

    def apply(
        self, events: Mapping[int, pa.Table], epochs: Mapping[int, int], firsts: Mapping[int, int],
        lasts: Mapping[int, int],
    ) -> None:  # fmt: skip
        """Takes in item_start, item_update and item_end among `events`.

        The attributes come first: what is on air can be read with its features.
        """
        parts = [part for each in events.values() if len(part := _about_items(each))]
        if not parts:
            return
        self._restoring.ensure()
        about = pa.concat_tables(parts)
        states = next_states(self._items.get(about["item_id"].unique()), about)
        self._attributes.write(states)
        self._items.put(states)

    def sweep(self, shards: Sequence[int], epochs: Mapping[int, int]) -> None:
        """Nothing happens to an item by time alone; what is on air must be there to be read."""
        self._restoring.ensure()


def _about_items(events: pa.Table) -> pa.Table:
    about = events.filter(pc.is_in(events["event_type"], _ABOUT))
    return about.filter(pc.is_valid(about["item_id"]))
