"""The kinds of rankers by name: fitted and loaded alike, so that validation may choose among them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import ModuleType

from models.fitting import held_out
from models.rankers import blend, choice, click, click_net, forest, lambdamart, logistic, net, pair, two_tower
from models.rankers.examples import Examples
from models.rankers.measures import AREAS, measured, worth
from models.rankers.model import Model
from models.rankers.tuning import tune
from models.retrieval.source import StepsAside

KINDS: dict[str, ModuleType] = {
    "lambdamart": lambdamart,
    "click": click,
    "blend": blend,
    "choice": choice,
    "pair": pair,
    "net": net,
    "click_net": click_net,
    "forest": forest,
    "logistic": logistic,
    "two_tower": two_tower,
}
"""Each has `fit(examples, parameters=None) -> Model` and `load(folder) -> Model`."""
USUAL = ("lambdamart", "click", "blend")
OF_SHOWN = (*USUAL, "click_net")
"""Tried where impressions are logged: what tells a chance is of use there."""
CHOSEN_ON = 0.2  # of the rows, the latest


@dataclass(frozen=True)
class Chosen:
    """model: fit on all examples. tried: kind -> its measures on the later slice. aside: kind -> why it was not."""

    kind: str
    model: Model
    parameters: dict
    tried: dict[str, dict[str, float]]
    aside: dict[str, str]
    trials: dict[str, list[dict]] = field(default_factory=dict)


def fit(kind: str, examples: Examples, parameters: Mapping[str, object] | None = None) -> Model:
    """A model of this kind; StepsAside where it lacks what it needs, ValueError where there is no such kind."""
    return _kind(kind).fit(examples, parameters)


def load(kind: str, folder: Path) -> Model:
    """The model of this kind that `save` wrote into `folder`."""
    return _kind(kind).load(folder)


def choose(
    examples: Examples,
    kinds: Sequence[str] = USUAL,
    counted: tuple[str, ...] = AREAS,
    parameters: Mapping[str, Mapping[str, object]] | None = None,
    trials: int = 0,
    lead: float = 0.0,
) -> Chosen:
    """The kind that does best on the later slice when fit on the rest, then fit on all; the first one where there is
    no later slice, or no other does better by more than `lead`. parameters: kind -> its own. counted: the measures
    whose mean decides. trials: of other parameters than these, for each kind that has a `search`, on the same slice."""
    given, told = _tuned(examples, kinds, counted, parameters or {}, trials)
    tried, aside = _tried(examples, given, counted)
    kind = _best(tried, counted, lead) if tried else _first_able(kinds, aside)
    return Chosen(kind, fit(kind, examples, given[kind]), given[kind], tried, aside, told)


def _tuned(
    examples: Examples, kinds: Sequence[str], counted: tuple[str, ...], usual: Mapping[str, Mapping], trials: int
) -> tuple[dict[str, dict], dict[str, list[dict]]]:
    """Kind -> its parameters, and kind -> what was tried; a sum of kinds takes those of the kinds that it sums."""
    given, told = {kind: dict(usual.get(kind, {})) for kind in kinds}, {}
    for kind in kinds:
        if trials and hasattr(_kind(kind), "search"):
            found = tune(partial(_with, kind, given[kind]), _kind(kind).search, examples, counted, trials, CHOSEN_ON)
            given[kind], told[kind] = given[kind] | found.parameters, found.tried
    if "blend" in given:
        given["blend"] = {"counted": counted} | {kind: given.get(kind, {}) for kind in blend.PARTS} | given["blend"]
    if "click_net" in given:
        given["click_net"] = {"click": given.get("click", {})} | given["click_net"]
    return given, told


def _with(kind: str, usual: Mapping[str, object], examples: Examples, parameters: Mapping[str, object]) -> Model:
    return fit(kind, examples, {**usual, **parameters})


def _tried(examples: Examples, given: dict[str, dict], counted: tuple[str, ...]) -> tuple[dict, dict]:
    late = held_out(examples.times, CHOSEN_ON)
    tried, aside = {}, {}
    if not late.any() or len(given) < 2:
        return tried, aside
    early, later = examples.only(~late), examples.only(late)
    for kind, parameters in given.items():
        try:
            tried[kind] = measured(later, fit(kind, early, parameters).score(later.matrix))
        except StepsAside as reason:
            aside[kind] = str(reason)
    return tried, aside


def _best(tried: dict[str, dict[str, float]], counted: tuple[str, ...], lead: float) -> str:
    first, best = next(iter(tried)), max(tried, key=lambda name: worth(tried[name], counted))
    return best if worth(tried[best], counted) > worth(tried[first], counted) + lead else first


def _first_able(kinds: Sequence[str], aside: dict[str, str]) -> str:
    return next(kind for kind in kinds if kind not in aside)


def _kind(name: str) -> ModuleType:
    if name not in KINDS:
        raise ValueError(f"kind of ranker: expected one of {', '.join(KINDS)}, found {name!r}")
    return KINDS[name]
