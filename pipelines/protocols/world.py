"""What every protocol starts from: a data set's acts and items, whether repeats count, and what was on air when."""

from dataclasses import dataclass, field, replace

import numpy as np

from catalog.dataset import DataSet
from models.hidden_items import HiddenItems
from models.interactions import Interactions
from models.items import Items
from models.on_air import OnAir, Spells
from models.retrieval.trending import half_life_of
from models.stated import Stated
from pipelines import inputs
from pipelines.interactions import hidden_items, interactions
from pipelines.moments import spells
from pipelines.protocols.asked import Task
from pipelines.protocols.offered import as_asked
from pipelines.protocols.present import Present
from pipelines.protocols.visits import Visits, repeats_count, visits
from pipelines.stated_topics import stated_topics
from pipelines.visits import gap
from streamrank.clock import HOUR, SECOND


@dataclass(frozen=True)
class World:
    """acts: all of them. ordered: their times are only an order, counted in steps. visits: see `Visits`.

    repeats: whether a seen item may be wanted again. rule, spells: of what is on air. stated: topics, by users.
    hidden: what users do not want to see again.
    """

    acts: Interactions
    items: Items
    ordered: bool
    visits: Visits
    repeats: bool
    rule: OnAir
    spells: Spells
    stated: Stated
    hidden: HiddenItems = field(default_factory=HiddenItems)

    def present(self, task: Task) -> Present:
        """The present of the task's questions. What counts as lately is chosen on what may be learned from alone."""
        half_life = half_life_of(task.fit) if len(task.fit) else 1.0
        return Present(
            task.history, self.items, self.rule, self.spells, half_life, self.repeats, self.stated, self.hidden
        )  # fmt: skip

    @property
    def asked_for(self) -> np.ndarray:
        """The acts that may be asked for, bool [acts]: those that begin a visit, a first one unless repeats count."""
        return self.visits.begins if self.repeats else self.visits.begins & ~self.visits.again


def world(data: DataSet, repeats: bool | None = None, on_air_hours: float | None = None) -> World:
    """The data set's. repeats, on_air_hours: instead of what its manifest says, and where that says nothing, of what
    the acts show. StepMissing where there are no acts.
    """
    acts, items = interactions(data)
    if not len(acts):
        raise inputs.no_acts(data)
    manifest = data.manifest()
    ordered = manifest.times == "order"
    if ordered:  # the log tells equal times apart by a microsecond, which says nothing of what came first
        acts = replace(acts, times=acts.times // SECOND * SECOND)
    acts = as_asked(data, acts)
    found = visits(acts, gap(data))
    said = manifest.repeats if repeats is None else repeats
    hours = manifest.on_air_hours if on_air_hours is None else on_air_hours
    # Of times that are an order the unit is a step, which the log keeps as a second.
    rule = OnAir(hours if hours is None or not ordered else hours * SECOND / HOUR)
    return World(
        acts, items, ordered, found, repeats_count(found, said), rule, spells(data, items), stated_topics(data),
        hidden_items(data, acts),
    )  # fmt: skip
