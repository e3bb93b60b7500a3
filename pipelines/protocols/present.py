"""The world as it was at each question's instant, built up act by act as questions pass in the order of time."""

from dataclasses import replace

import numpy as np

from models.hidden_items import HiddenItems
from models.interactions import Interactions
from models.items import OPEN_BEGIN, Items
from models.on_air import OnAir, Spells, instants
from models.stated import Stated
from models.viewer import Moment, Viewer
from models.viewing import Histories
from pipelines.protocols.asked import Asked


class Present:
    """Ask it in the order of `asked`; what it gives knows nothing later than the question.

    history: of which a question sees the acts before its instant. repeats: whether what was seen may be shown again.
    half_life: of `Moment.recent`, in the unit of the acts' times. counts: float64 [items], acts so far.
    """

    def __init__(
        self, history: Interactions, items: Items, rule: OnAir, spells: Spells, half_life: float, repeats: bool,
        stated: Stated = Stated(), hidden: HiddenItems = HiddenItems(),
    ) -> None:  # fmt: skip
        self.counts, self.recent = np.zeros(len(items)), np.zeros(len(items))
        self._history, self._items, self._rule, self._spells = history, items, rule, spells
        self._half_life, self._repeats, self._stated, self._hidden = half_life, repeats, stated, hidden
        self._histories = Histories(history)
        self._begins, self._began = instants(items, "available_from", OPEN_BEGIN).copy(), 0
        self._known, self._instant = 0, int(history.times[0]) if len(history) else 0

    def viewer(self, asked: Asked, question: int) -> Viewer:
        """Who asks, with what they did before the question's instant."""
        user, instant = int(asked.users[question]), int(asked.instants[question])
        found = self._histories.viewer(user, instant)
        topics = self._stated.topics(found.user_id, instant) or found.topics
        return replace(found, topics=topics, hidden=self._hidden.by(user, instant))

    def moment(self, asked: Asked, question: int) -> Moment:
        """What holds for everybody then."""
        instant = int(asked.instants[question])
        if instant < self._instant:
            raise ValueError(f"questions: expected them in the order of time, found {instant} after {self._instant}")
        self._take_in(instant)
        on_air = self._rule.at(instant, self._items, self._history, self._spells)
        watching = np.full(len(self._items), np.nan, np.float32)
        return Moment(instant, on_air, self._begins.copy(), self.recent.astype(np.float32), watching)

    def allowed(self, asked: Asked, question: int, moment: Moment) -> np.ndarray:
        """What may be ranked, bool [items]: on air, not hidden, and unless repeats count none that they had acted on.

        What the user did at that very instant, of which nobody knows the order, is left out too. What they wanted
        was on air, whatever else is known of it.
        """
        allowed = moment.on_air.copy()
        allowed[self._hidden.by(int(asked.users[question]), int(asked.instants[question]))] = False
        if not self._repeats:
            seen = self._histories.viewer(
                int(asked.users[question]), int(asked.instants[question]) + 1, len(self._history)
            )
            allowed[seen.items] = False
        allowed[asked.of(question)] = True
        return allowed

    def _take_in(self, instant: int) -> None:
        """The acts before `instant`, and the spells that had begun by then."""
        known = int(np.searchsorted(self._history.times, instant, "left"))
        items, times = self._history.items[self._known : known], self._history.times[self._known : known]
        self.counts += np.bincount(items, minlength=len(self.counts))
        self.recent *= np.exp2((self._instant - instant) / self._half_life)
        self.recent += np.bincount(items, np.exp2((times - instant) / self._half_life), minlength=len(self.counts))
        began = int(np.searchsorted(self._spells.begins, instant, "right"))
        self._begins[self._spells.places[self._began : began]] = self._spells.begins[self._began : began]
        self._known, self._instant, self._began = known, instant, began
