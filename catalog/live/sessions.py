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
from catalog.live.restoring import Restoring
from catalog.live.session_events import session_events
from catalog.live.viewer_store import CHANGED, SUPERSEDED, Change, Held, ViewerStore
from catalog.live.viewers import VIEWERS
from catalog.schema import EVENTS
from streamrank import clock
from streamrank.events.redis_streams import RedisStreams
from streamrank.events.redis_streams.keys import shard_prefix
from streamrank.events.shards import NEVER, SHARDS
from streamrank.stores.connection import Connection
from streamrank.stream.scripts import CONSUMER

_SIGNS = pa.array(SIGNS)
_NEEDED = {"event_type", "event_time", "log_position", *VIEWERS.names}
_SIGN_COLUMNS = [name for name in EVENTS.names if name in _NEEDED]


class Sessions:
    """A processor of the worker: `apply` takes signs in, `sweep` ends the sessions of those who left without one.

    Both may be repeated, and be cut off anywhere, without an event being published twice or a sign lost. A worker whose
    shard has become another's writes nothing.
    """

    def __init__(
        self, bus: RedisStreams, connection: Connection, project: str, on_air: OnAir, restoring: Restoring
    ) -> None:  # fmt: skip
        self._bus, self._on_air, self._store = bus, on_air, ViewerStore(connection, project)
        self._restoring = restoring
        self._epochs: dict[int, int] = {}
        self._unswept: dict[int, set[str]] = {}

    def apply(
        self, events: Mapping[int, pa.Table], epochs: Mapping[int, int], firsts: Mapping[int, int],
        lasts: Mapping[int, int],
    ) -> None:  # fmt: skip
        """Pairs the signs of viewers among `events`, by shard all from firsts[shard] to lasts[shard]."""
        signs = _signs(events)
        if len(signs):
            self._restoring.ensure()
        if len(signs) and not self._epochs:  # nothing is known yet of what has ended
            self._on_air.sync()
        while len(signs):
            held = self._store.read(signs)
            signs = signs.filter(signs["log_position"].to_numpy() > held.positions[signs["shard"].to_numpy()])
            paired = pair(held.viewers, signs, self._ended(signs["item_id"]), _by_shard(lasts))
            shards = np.unique(signs["shard"].to_numpy()).tolist()
            verdicts = self._write(shards, paired, held, epochs, firsts, lasts)
            again = [shard for shard, verdict in verdicts.items() if verdict == CHANGED]
            signs = signs.filter(np.isin(signs["shard"].to_numpy(), again))

    def sweep(self, shards: Sequence[int], epochs: Mapping[int, int]) -> None:
        """Ends the sessions of viewers who are silent, and of those whose item has ended."""
        self._restoring.ensure()
        self._hear_of_ends(shards, epochs)
        horizons, over = self._horizons(), {shard: [*self._unswept[shard]] for shard in shards}
        while over:
            held = self._store.due({shard: int(horizons[shard]) - SILENCE_US for shard in over}, over)
            paired = pair(held.viewers, _NO_SIGNS, self._ended(held.viewers["item_id"]), horizons)
            closing = sorted(set(paired.closed["shard"].to_pylist()))
            verdicts = self._write(closing, paired, held, epochs, dict.fromkeys(closing), held.positions)
            over = {shard: over[shard] for shard, verdict in verdicts.items() if verdict != SUPERSEDED}
        self._unswept = {shard: self._still_to_come(shard, int(horizons[shard])) for shard in shards}
        self._epochs = {shard: epochs[shard] for shard in shards}

    def _hear_of_ends(self, shards: Sequence[int], epochs: Mapping[int, int]) -> None:
        """Takes in what ended since the last time; in shards owned anew also what the owner before did not get to."""
        ended = self._on_air.sync().filter(pc.field("status") == ENDED)["item_id"].to_pylist()
        overlooked = self._overlooked(shards, epochs)
        self._unswept = {shard: {*self._unswept.get(shard, ()), *ended, *overlooked.get(shard, ())} for shard in shards}

    def _still_to_come(self, shard: int, horizon_us: int) -> set[str]:
        """The ended items whose end lies behind signs of the shard that have not been applied yet."""
        ended = self._on_air.ended
        return {each for each in self._unswept[shard] if each in ended and ended[each].ended_a > horizon_us}

    def _overlooked(self, shards: Sequence[int], epochs: Mapping[int, int]) -> dict[int, list[str]]:
        """The ended items that still have viewers in shards owned anew: the owner before may not have got to them."""
        anew = [shard for shard in shards if self._epochs.get(shard) != epochs[shard]]
        watched = self._store.watched(anew) if anew else {}
        return {shard: [each for each in item_ids if each in self._on_air.ended] for shard, item_ids in watched.items()}

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

    def _write(
        self, shards: Sequence[int], paired: Paired, held: Held, epochs: Mapping[int, int],
        firsts: Mapping[int, int | None], positions: Mapping[int, int] | np.ndarray,
    ) -> dict[int, bytes]:  # fmt: skip
        appends = self._bus.append_calls(*session_events(paired))
        changes = {
            shard: Change(
                epochs[shard], int(held.versions[shard]), firsts[shard], int(positions[shard]),
                appends.get(shard) or (shard_prefix(self._bus.project, shard), _NOTHING),
            )
            for shard in shards
        }  # fmt: skip
        return self._store.write(changes, paired.open, paired.gone) if changes else {}


_NO_SIGNS = EVENTS.empty_table().select(_SIGN_COLUMNS)
_NOTHING = (b"",) * 5


def _by_shard(positions: Mapping[int, int]) -> np.ndarray:
    """int64 [SHARDS], NEVER where there is none."""
    found = np.full(SHARDS, NEVER)
    found[[*positions]] = [*positions.values()]
    return found


def _signs(events: Mapping[int, pa.Table]) -> pa.Table:
    """The signs of viewers among the events of all shards."""
    everything = pa.concat_tables([_NO_SIGNS, *(each.select(_SIGN_COLUMNS) for each in events.values())])
    signs = everything.filter(pc.is_in(everything["event_type"], _SIGNS))
    return signs.filter(pc.and_(pc.is_valid(signs["user_id"]), pc.is_valid(signs["item_id"]))).combine_chunks()
