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
from models.rerank.stated import Stated
from models.rerank.step import Context, Ranked, Step

ONE_OF = {
    "seen_leaves": (True, False), "stated_first": (True, False), "fresh_fade": ("linear", "exponential"),
    "explore": ("thompson", "epsilon"),
}  # fmt: skip
WITHIN = {"mmr_weight": (0, 1), "fresh_strength": (0, 100), "fresh_days": (0.01, 36_500), "explore_share": (0, 1)}
WHOLE = ("most_per_topic", "most_per_creator")
OPTIONAL = ("explore", "mmr_weight", "fresh_strength", *WHOLE)


@dataclass(frozen=True)
class RerankSettings:
    """What is done to a ranked list; None switches a step off. Hidden items leave always.

    seen_leaves: whether seen items do not return. stated_first: whether items of the topics that somebody new named
    come first. most_per_topic, most_per_creator: among those shown. mmr_weight: of likeness against the score, 0 to 1.
    fresh_strength: of the lift of new items, in standard deviations of the scores, which fades over fresh_days,
    "linear" or "exponential". explore: "thompson" or "epsilon" on explore_share of slots.
    """

    seen_leaves: bool = False
    stated_first: bool = True
    most_per_topic: int | None = None
    most_per_creator: int | None = 3
    mmr_weight: float | None = 0.1
    fresh_strength: float | None = 0.3
    fresh_days: float = 7.0
    fresh_fade: str = "linear"
    explore: str | None = "thompson"
    explore_share: float = 0.2

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not ((value is None and name in OPTIONAL) or _holds(name, value)):
                none = " or null" if name in OPTIONAL else ""
                raise ValueError(f"re-rank setting {name}: expected {_wanted(name)}{none}, found {value!r}; correct it")

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "RerankSettings":
        """What `as_json` wrote; what is missing has its default. ValueError on unknown or impossible ones."""
        found, known = json.loads(text), [field.name for field in fields(cls)]
        wrong = sorted(set(found) - set(known)) if isinstance(found, dict) else [found]
        if wrong:
            raise ValueError(f"re-rank settings: expected an object of {known}, found {wrong}; leave that out")
        return cls(**found)


def steps(settings: RerankSettings) -> tuple[Step, ...]:
    """The steps in the order in which they work: what leaves, what is lifted, what is spread, what is explored."""
    chosen: list[Step] = [Hidden()]
    if settings.seen_leaves:
        chosen.append(Seen())
    if settings.stated_first:
        chosen.append(Stated())
    if settings.fresh_strength:
        chosen.append(Fresh(settings.fresh_strength, settings.fresh_days, settings.fresh_fade))
    if settings.mmr_weight:
        chosen.append(Mmr(settings.mmr_weight))
    if settings.most_per_topic or settings.most_per_creator:
        chosen.append(Diversity(settings.most_per_topic, settings.most_per_creator))
    if settings.explore and settings.explore_share:
        chosen.append(Exploration(settings.explore_share, settings.explore))
    return tuple(chosen)


def rerank(ranked: Ranked, steps: Sequence[Step], context: Context) -> Ranked:
    """The list after every step that has what it needs: all items that stay, those to be shown first (see `aside`)."""
    for step in steps:
        if step.lacks(context) is None:
            ranked = step.apply(ranked, context)
    return ranked


def aside(steps: Sequence[Step], context: Context) -> dict[str, str]:
    """Step name -> what it lacks here, of the steps that `rerank` leaves out."""
    return {step.name: lack for step in steps if (lack := step.lacks(context)) is not None}


def _holds(name: str, value: object) -> bool:
    if name in ONE_OF:
        return value in ONE_OF[name] and type(value) is type(ONE_OF[name][0])
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if name in WHOLE:
        return number and value == int(value) and value >= 1
    return number and WITHIN[name][0] <= value <= WITHIN[name][1]


def _wanted(name: str) -> str:
    if name in ONE_OF:
        return f"one of {json.dumps(ONE_OF[name])}"
    return "a whole number from 1" if name in WHOLE else "a number from {} to {}".format(*WITHIN[name])
