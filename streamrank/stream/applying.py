"""One batch from intent to commit: announced, merged into each generation of its shards, processed, committed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from streamrank import clock
from streamrank.stores.connection import Connection
from streamrank.stream.batches import Batch, Reducer
from streamrank.stream.crashing import may_end_here
from streamrank.stream.following import merge
from streamrank.stream.generations import Generation, generation
from streamrank.stream.intents import LOST, Intent, Place, close_intents, open_intents
from streamrank.stream.views import StreamedView


class DeclarationsChanged(RuntimeError):
    """Another process works by other declarations than this one."""


class Processor(Protocol):
    """Effects of events beside the views. Both must be idempotent by position: a batch may be applied again."""

    def apply(
        self, events: Mapping[int, pa.Table], epochs: Mapping[int, int], firsts: Mapping[int, int],
        lasts: Mapping[int, int],
    ) -> None:  # fmt: skip
        """By shard all events firsts[shard] <= log_position <= lasts[shard], in order, before they are committed."""
        ...

    def sweep(self, shards: Sequence[int], epochs: Mapping[int, int]) -> None:
        """What happens by the passing of time alone, for shards that are owned; called often."""
        ...


@dataclass(frozen=True)
class Applied:
    """committed: by shard the position now committed. refused: why not, see `intents`. merged: keys merged; skipped:
    keys that held the batch already."""

    committed: Mapping[int, int] = field(default_factory=dict)
    refused: Mapping[int, str] = field(default_factory=dict)
    merged: int = 0
    skipped: int = 0


class Applying:
    """connection: one that is not opened anew unasked (`fence`). owner: the worker's name. Raises TornKey, Overflow."""

    def __init__(
        self, connection: Connection, project: str, owner: str, views: Sequence[StreamedView],
        processors: Sequence[Processor],
    ) -> None:  # fmt: skip
        self._connection, self._project, self._owner = connection, project, owner
        self._processors = processors
        self._views = {(view.name, view.fingerprint): view for view in views}
        self._reducer = Reducer(views)

    def knows(self, one: Generation) -> bool:
        """Whether the generation is of a view that is declared here."""
        return (one.view, one.fingerprint) in self._views

    def apply(
        self, batch: Batch, epochs: Mapping[int, int], committed: Mapping[int, int], place: Place = "bus"
    ) -> Applied:
        """Applies what follows `committed` of each shard of the batch, as far as the server agrees."""
        intents, refused = open_intents(
            self._connection, self._project, self._owner, epochs, committed, batch.lasts, place
        )
        may_end_here()
        self._refuse_unknown(intents)
        done = self.finish(batch if not refused else batch.of(intents), epochs, intents)
        return Applied(done.committed, {**refused, **done.refused}, done.merged, done.skipped)

    def finish(self, batch: Batch, epochs: Mapping[int, int], intents: Mapping[int, Intent]) -> Applied:
        """Applies a batch whose intents are open, and commits it; generations that are not known here are left out."""
        if not intents:
            return Applied()
        merged, skipped = self._merged(batch, intents)
        for processor in self._processors:
            processor.apply(batch.events, epochs, batch.firsts, batch.lasts)
            may_end_here()
        lost = close_intents(self._connection, self._project, self._owner, epochs, intents)
        may_end_here()
        committed = {shard: intent.last for shard, intent in intents.items() if shard not in lost}
        return Applied(committed, dict.fromkeys(lost, LOST), merged, skipped)

    def _merged(self, batch: Batch, intents: Mapping[int, Intent]) -> tuple[int, int]:
        merged, skipped = 0, 0
        for one, shards in self._targets(intents):
            view = self._views[one.view, one.fingerprint]
            part = batch if len(shards) == len(batch.events) else batch.of(shards)
            if view.name not in part.deltas:
                part = self._reducer.reduced(part, [view.name])
            prefix = one.prefix(self._project)
            done = merge(self._connection, prefix, view, part.deltas[view.name], expires=clock.is_wall())
            merged, skipped = merged + done.merged, skipped + done.skipped
            may_end_here()
        return merged, skipped

    def _targets(self, intents: Mapping[int, Intent]) -> Iterator[tuple[Generation, list[int]]]:
        """Each generation that is known here, with the shards whose batch goes into it.

        The newest come first: a reader who is sent from one to the next never finds less in it.
        """
        shards_of: dict[Generation, list[int]] = {}
        for shard, intent in intents.items():
            for name in intent.generations:
                shards_of.setdefault(generation(name), []).append(shard)
        for one in sorted(filter(self.knows, shards_of), key=lambda one: -one.number):
            yield one, shards_of[one]

    def _refuse_unknown(self, intents: Mapping[int, Intent]) -> None:
        for shard, intent in intents.items():
            for name in intent.generations:
                if not self.knows(generation(name)):
                    raise DeclarationsChanged(
                        f"shard {shard}: expected generations of the views declared here, found {name!r}, which "
                        f"another process filled by other declarations; `streamrank apply`, then start it again"
                    )
