"""What held for everybody at instants of the past: what was on air, since when, and what was watched lately."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.dataset import DataSet
from catalog.sql import query
from catalog.updates import item_updates
from models.interactions import Interactions
from models.items import OPEN_BEGIN, OPEN_END, Items
from models.on_air import OnAir, Spells, instants
from models.retrieval.trending import Recent, half_life_of
from models.viewer import Moment
from pipelines import inputs
from streamrank.clock import HOUR, SECOND


@dataclass(frozen=True)
class Moments:
    """Moments as of any instants: only acts before an instant, and spells that began by then, are in its moment.

    half_life: of `Moment.recent`, us; None: the one that suits the acts.
    """

    acts: Interactions
    items: Items
    rule: OnAir = field(default_factory=OnAir)
    spells: Spells = field(default_factory=Spells)
    half_life: float | None = None

    @cached_property
    def _counts(self) -> Recent:
        return Recent(self.acts, self.half_life or (half_life_of(self.acts) if len(self.acts) else 1.0))

    def at(self, instant: int) -> Moment:
        return Moment(
            now_us=instant, on_air=self.rule.at(instant, self.items, self.acts, self.spells),
            begins=self._begins(instant), recent=self._counts.at(instant),
            watching=np.full(len(self.items), np.nan, np.float32),
        )  # fmt: skip

    def each(self, times: Iterable[int]) -> Iterator[Moment]:
        """One moment an instant, in order; equal ones that follow each other are one object."""
        last = None
        for instant in times:
            last = last if last is not None and last.now_us == instant else self.at(int(instant))
            yield last

    def _begins(self, instant: int) -> np.ndarray:
        begins = instants(self.items, "available_from", OPEN_BEGIN).copy()
        began = self.spells.begins <= instant
        order = np.argsort(self.spells.begins[began], kind="stable")
        begins[self.spells.places[began][order]] = self.spells.begins[began][order]
        return begins


def moments(data: DataSet, acts: Interactions, items: Items, half_life: float | None = None) -> Moments:
    """The data set's moments, by its manifest's rule of what is on air."""
    return Moments(acts, items, on_air(data), spells(data, items), half_life)


def on_air(data: DataSet) -> OnAir:
    """The manifest's rule. Where times are only an order its hours are steps, which the log keeps as seconds."""
    hours, ordered = data.manifest().on_air_hours, data.manifest().times == "order"
    return OnAir(hours if hours is None or not ordered else hours * SECOND / HOUR)


def spells(data: DataSet, items: Items) -> Spells:
    """From each item_start, once it had arrived, to the item's next item_start or item_end or the end that it named."""
    found = query(SPELLS.format(told=item_updates(inputs.events(data)), open=OPEN_END))
    places = pc.index_in(found["item_id"].combine_chunks(), items.table["item_id"].combine_chunks())
    return Spells(places.to_numpy(zero_copy_only=False).astype(np.int64), *(_int64(found[n]) for n in ("b", "e")))


def _int64(column: pa.ChunkedArray) -> np.ndarray:
    return column.cast(pa.int64()).to_numpy()


SPELLS = """
SELECT item_id, greatest(position, coalesce(available_from, position)) AS b,
    least(coalesce(ends, {open}), coalesce(available_until, {open})) AS e
FROM (SELECT *, lead(position) OVER (PARTITION BY item_id ORDER BY position) AS ends
      FROM ({told}) WHERE event_type IN ('item_start', 'item_end'))
WHERE event_type = 'item_start' ORDER BY b, item_id
"""
