"""Taking a shard over: the intent that its last owner left open is finished, and what only the log has is applied."""

import logging
from collections.abc import Mapping

import numpy as np

from streamrank.events.bus import Bus
from streamrank.events.shards import NEVER
from streamrank.stream.applying import Applying
from streamrank.stream.batches import Batch
from streamrank.stream.intents import Intent
from streamrank.stream.leases import Claim
from streamrank.stream.logged import LoggedEvents

logger = logging.getLogger(__name__)


class TakingOver:
    """The log may be ahead of the bus, where the server lost its last writes; and where the worker was away for long
    it may hold what the bus has too. In either case the log is right, so whatever it has is taken from it."""

    def __init__(self, bus: Bus, log: LoggedEvents, applying: Applying, batch_events: int) -> None:
        self._bus, self._log, self._applying, self._most = bus, log, applying, batch_events

    def take(self, claims: Mapping[int, Claim]) -> tuple[dict[int, int], int, int]:
        """Brings claimed shards to where they go on from the bus.

        Returns by shard what is committed now, without those that were claimed by another meanwhile; how many open
        intents were finished; how many events that and the log took.
        """
        committed, recovered, events = {}, 0, 0
        for shard, claim in claims.items():
            if claim.intent is None:
                committed[shard] = claim.committed
                continue
            batch = self._batch_of(shard, claim.intent)
            logger.info("shard %d: finishing what epoch %d left open, %s", shard, claim.intent.epoch, batch.lasts)
            done = self._applying.finish(batch, {shard: claim.epoch}, {shard: claim.intent})
            committed |= done.committed
            recovered, events = recovered + 1, events + batch.rows
        epochs = {shard: claims[shard].epoch for shard in committed}
        caught_up, logged = self._from_log(committed, epochs)
        return caught_up, recovered, events + logged

    def _batch_of(self, shard: int, intent: Intent) -> Batch:
        read = self._bus.read_range if intent.place == "bus" else self._log.read
        events = read(shard, intent.first, intent.last)
        return Batch({shard: events}, {shard: intent.first}, {shard: intent.last})

    def _from_log(self, committed: dict[int, int], epochs: Mapping[int, int]) -> tuple[dict[int, int], int]:
        if not committed:
            return {}, 0
        ends = self._log.ends(above=min(committed.values()))
        self._bus.begin(np.where(ends == NEVER, 0, ends))
        held, events = {}, 0
        for shard, position in committed.items():
            while position is not None and position < ends[shard]:
                position, rows = self._one_batch(shard, position, int(ends[shard]), epochs)
                events += rows
            if position is not None:
                held[shard] = position
        return held, events

    def _one_batch(
        self, shard: int, after: int, end: int, epochs: Mapping[int, int]
    ) -> tuple[int | None, int]:  # fmt: skip
        """The position reached and the events that were applied; None where the shard could not be worked on."""
        events = self._log.read(shard, after + 1, end, self._most)
        last = events["log_position"][-1].as_py()
        logger.info("shard %d: taking %d events from the log, up to %d", shard, len(events), last)
        batch = Batch({shard: events}, {shard: after + 1}, {shard: last})
        done = self._applying.apply(batch, epochs, {shard: after}, "log")
        return done.committed.get(shard), batch.rows
