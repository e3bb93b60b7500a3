"""The next batch: read from the bus and reduced while the one before is still being merged."""

import time
from collections import deque
from collections.abc import Mapping

from streamrank.events.bus import Bus
from streamrank.stream.batches import Batch, Reducer


class ReadingAhead:
    """batch_events: most events of a batch. age: seconds that the first event of a batch may wait for others.

    While events pile up, shards are taken one after the other, each as deeply as a batch allows: a key is merged once
    for each batch and shard, however many of its events are in it.
    """

    def __init__(self, bus: Bus, reducer: Reducer, batch_events: int, age: float) -> None:
        self._bus, self._reducer, self._most, self._age = bus, reducer, batch_events, age
        self._piled: deque[int] = deque()
        self._read_at = 0.0

    def next(self, after: Mapping[int, int], patience: float = 0.0) -> Batch | None:
        """What follows these positions, with its deltas; None where nothing came within `patience` seconds."""
        deadline = time.monotonic() + patience
        while True:
            if patience and not self._piled:
                time.sleep(max(0.0, self._read_at + self._age - time.monotonic()))
            if batch := self._read(after):
                return self._reducer.reduced(batch)
            if time.monotonic() >= deadline:
                return None

    def _read(self, after: Mapping[int, int]) -> Batch | None:
        if not after:
            return None
        self._read_at = time.monotonic()
        shards = [self._piled.popleft()] if self._piled else list(after)
        chosen = {shard: after[shard] for shard in shards if shard in after}
        events = self._bus.read(chosen, self._most) if chosen else {}
        share = self._most // max(1, len(chosen))
        self._piled.extend(shard for shard, table in events.items() if table.num_rows >= share)
        if not events:
            return None
        lasts = {shard: table["log_position"][-1].as_py() for shard, table in events.items()}
        return Batch(events, {shard: after[shard] + 1 for shard in events}, lasts)
