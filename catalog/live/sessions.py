"""Sessions: viewers' signs are paired in the stream, and what comes of it is published as events of its own.

`session_start` when a viewer comes in and `session`, with its duration, when they have left. Each is published in the
server-side step that changes who is in, so a batch that is applied again after a crash publishes nothing twice. Only
these two move a gauge of viewers, so it never counts a second leave.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.live.item_states import ENDED
from catalog.live.on_air import OnAir
from catalog.live.pairing import ENDED_ITEMS, SIGNS, SILENCE_US, Paired, pair
from catalog.live.session_events import session_events
from catalog.live.viewer_store import Change, Held, ViewerStore, distinct
from catalog.live.viewers import names_of
from catalog.schema import EVENTS
from streamrank import clock
from streamrank.events.redis_streams import RedisStreams
from streamrank.events.shards import SHARDS
from streamrank.stores.connection import Connection
from streamrank.stream.scripts import CONSUMER

_SIGNS = pa.array(SIGNS)


class Sessions:
    """A processor of the worker: `apply` takes a shard's events in, `sweep` ends the sessions of those who left.

    Both may be repeated, and be cut off anywhere, without an event being published twice or a sign lost.
    """

    def __init__(self, bus: RedisStreams, connection: Connection, project: str, on_air: OnAir) -> None:
        self._bus, self._on_air = bus, on_air
        self._stores = [ViewerStore(connection, project, shard) for shard in range(SHARDS)]
        self._epochs: dict[int, int] = {}

    def apply(self, shard: int, epoch: int, first: int, last: int, events: pa.Table) -> None:
        """Pairs the signs of viewers among `events`, all of the shard's from position `first` to `last`."""
        signs = events.filter(pc.is_in(events["event_type"], _SIGNS))
        signs = signs.filter(pc.and_(pc.is_valid(signs["user_id"]), pc.is_valid(signs["item_id"])))
        if not len(signs):
            return
        store, names = self._stores[shard], distinct(names_of(signs["user_id"], signs["item_id"]))
        while True:
            held = store.read(names)
            new = signs.filter(pc.greater(signs["log_position"], held.position))
            if not len(new):
                return
            paired = pair(held.viewers, new, self._ended(new["item_id"]))
            if self._written(shard, held, epoch, last, paired):
                return

    def sweep(self, shards: Sequence[int], epochs: Mapping[int, int]) -> None:
        """Ends the sessions of viewers who are silent, and of those whose item has ended."""
        ended = self._on_air.sync().filter(pc.field("status") == ENDED)["item_id"].to_pylist()
        horizons = self._horizons()
        for shard in shards:
            if self._epochs.get(shard) != epochs[shard]:  # the owner before may not have got to all that ended
                ended = [item_id for item_id in self._stores[shard].watched() if item_id in self._on_air.ended]
            self._sweep(shard, epochs[shard], int(horizons[shard]), ended)
            self._epochs[shard] = epochs[shard]

    def _sweep(self, shard: int, epoch: int, horizon_us: int, item_ids: Sequence[str]) -> None:
        while True:
            held = self._stores[shard].due(horizon_us - SILENCE_US, item_ids)
            paired = pair(held.viewers, EVENTS.empty_table(), self._ended(held.viewers["item_id"]), horizon_us)
            if not len(paired.closed):
                return
            self._written(shard, held, epoch, held.position, paired)

    def _horizons(self) -> np.ndarray:
        """int64 [SHARDS]: up to which arrival all signs are in; now, unless a shard has events still to be applied."""
        now_us, ends = clock.now_us(), self._bus.ends()
        applied = self._bus.committed(CONSUMER)
        return np.where(ends <= applied, now_us, applied)

    def _ended(self, item_ids: pa.ChunkedArray) -> pa.Table:
        """Those of the items that have ended, as far as is known."""
        named = item_ids.unique().to_pylist()
        ends = {item_id: end for item_id in named if (end := self._on_air.ended.get(item_id))}
        columns = [[*ends], [end.ended_a for end in ends.values()], [end.ended_e for end in ends.values()]]
        return pa.table(columns, schema=ENDED_ITEMS)

    def _written(self, shard: int, held: Held, epoch: int, position: int, paired: Paired) -> bool:
        published = session_events(paired, shard)
        append = self._bus.append_call(shard, published) if len(published) else None
        return self._stores[shard].write(held, epoch, position, Change(paired.open, paired.gone, append))
