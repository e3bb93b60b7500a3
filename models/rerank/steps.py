"""All of re-ranking: which steps a data set asks for, and running them one after another."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

from models.rerank.diversity import Diversity
from models.rerank.exploration import Exploration
from models.rerank.fresh import Fresh
from models.rerank.hidden import Hidden
from models.rerank.mmr import Mmr
from models.rerank.seen import Seen
from models.rerank.step import Context, Ranked, Step

ONE_OF = {"fresh_fade": ("linear", "exponential"), "explore": (None, "thompson", "epsilon")}
WITHIN = {"mmr_weight": (0, 1), "explore_share": (0, 1), "fresh_strength": (0, 100), "fresh_days": (0.001, 36_500)}
AT_LEAST_ONE = ("most_per_topic", "most_per_creator")


@dataclass(frozen=True)
class RerankSettings:
    """What is done to a ranked list; None switches a step off. Hidden items leave always.

    seen_leaves: whether seen items do not return. most_per_topic, most_per_creator: among those shown. mmr_weight: of
    likeness against the score, 0 to 1. fresh_strength: of the lift of new items, in standard deviations of the scores,
    which fades over fresh_days, "linear" or "exponential". explore: "thompson" or "epsilon" on explore_share of slots.
    """

    seen_leaves: bool = False
    most_per_topic: int | None = 5
    most_per_creator: int | None = 3
    mmr_weight: float | None = None
    fresh_strength: float | None = 0.3
    fresh_days: float = 7.0
    fresh_fade: str = "linear"
    explore: str | None = "thompson"
    explore_share: float = 0.2

    def __post_init__(self) -> None:
        for name, allowed in ONE_OF.items():
            _expect(name, getattr(self, name), getattr(self, name) in allowed, f"one of {allowed}")
        for name, (low, high) in WITHIN.items():
            value = getattr(self, name)
            inside = value is None or (isinstance(value, int | float) and low <= value <= high)
            _expect(name, value, inside, f"a number from {low} to {high}")
        for name in AT_LEAST_ONE:
            value = getattr(self, name)
            _expect(
                name, value, value is None or (isinstance(value, int) and value >= 1), "a whole number from 1, or null"
            )

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "RerankSettings":
        """What `as_json` wrote; what is missing has its default. ValueError on unknown or impossible ones."""
        found = json.loads(text)
        known = [field.name for field in fields(cls)]
        if not isinstance(found, dict) or set(found) - set(known):
            raise ValueError(
                f"re-rank settings: expected an object of {known}, found {found}; correct or leave them out"
            )
        return cls(**found)


def steps(settings: RerankSettings) -> tuple[Step, ...]:
    """The steps in the order in which they work: what leaves, what is lifted, what is spread, what is explored."""
    limits = Diversity(settings.most_per_topic, settings.most_per_creator)
    wanted = [
        (True, Hidden()),
        (settings.seen_leaves, Seen()),
        (settings.fresh_strength, Fresh(settings.fresh_strength or 0, settings.fresh_days, settings.fresh_fade)),
        (settings.mmr_weight, Mmr(settings.mmr_weight or 0)),
        (settings.most_per_topic or settings.most_per_creator, limits),
        (
            settings.explore and settings.explore_share,
            Exploration(settings.explore_share, settings.explore or "epsilon"),
        ),
    ]
    return tuple(step for wants, step in wanted if wants)


def rerank(ranked: Ranked, steps: Sequence[Step], context: Context) -> Ranked:
    """The list after every step that has what it needs: all items that stay, those to be shown first (see `aside`)."""
    for step in steps:
        if step.lacks(context) is None:
            ranked = step.apply(ranked, context)
    return ranked


def aside(steps: Sequence[Step], context: Context) -> dict[str, str]:
    """Step name -> what it lacks here, of the steps that `rerank` leaves out."""
    return {step.name: lack for step in steps if (lack := step.lacks(context)) is not None}


def _expect(name: str, value: object, holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"re-rank setting {name}: expected {what}, found {value!r}; correct it in rerank.json")
