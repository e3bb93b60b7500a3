"""A protocol from the data set to its figures."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from catalog.dataset import DataSet
from catalog.errors import InputError
from models.learning.question import Extra
from pipelines import inputs
from pipelines.evaluate import evaluate
from pipelines.evaluation_report import page
from pipelines.off_policy import estimated
from pipelines.protocols import last_10_percent, leave_one_out, random_75_25
from pipelines.protocols.ablations import without
from pipelines.protocols.answers import Answers, simple_answers, together
from pipelines.protocols.askable import check
from pipelines.protocols.asked import Plan, Task
from pipelines.protocols.feature_columns import MOST_QUESTIONS, feature_columns, why_none
from pipelines.protocols.figures import ablated, figures
from pipelines.protocols.measured import Measuring
from pipelines.protocols.ours import Ours, ours
from pipelines.protocols.simple import Simple
from pipelines.protocols.step_ablations import by_step
from pipelines.protocols.world import World, world
from streamrank import clock

PLANS: dict[str, ModuleType] = {
    "random-75-25": random_75_25,
    "leave-one-out": leave_one_out,
    "last-10-percent": last_10_percent,
}
LARGE, MOST_OF_LARGE = 50_000, 2_000  # items of a catalogue from which on fewer questions are asked
OF_THE_TRAINED = ("temporal", "impressions")
Report = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """repeats, on_air_hours: instead of what the data set says. most: questions at most. ablations: also leave out
    one source, and one group of features, at a time."""

    repeats: bool | None = None
    on_air_hours: float | None = None
    most: int | None = None
    ablations: bool = False


def run(
    data: DataSet, protocol: str, options: Options = Options(), report: Report = lambda step: None,
    html: Path | None = None,
) -> dict:  # fmt: skip
    """What the protocol finds, as JSON; it is written to <home>/training/evaluation-<protocol>.json too.

    html: where the report goes instead of beside it. InputError where the data set cannot be asked so, StepMissing
    where it has no acts, or a step before has not been run.
    """
    check(data, protocol)
    result = (
        _trained(data, protocol, options, report)
        if protocol in OF_THE_TRAINED
        else _fitted(data, protocol, options, report)
    )
    result = _known(result)
    _write(data, protocol, result)
    page.write(result, html or page_of(data, protocol))
    return result


def _trained(data: DataSet, protocol: str, options: Options, report: Report) -> dict:
    """Of the ranker that was trained last, which saw nothing of the test part."""
    result, served = evaluate(data, report), _off_policy(data)
    sampled = {
        f"{table['name']} requests": f"{table['tested']:,} of {table['requests']:,}, drawn once"
        for table in result["tables"]
        if table["tested"] < table["requests"]
    }
    aside = dict(result["aside"])
    aside |= {} if options == Options() else {"options": f"{protocol} is of the trained model, as the data set says"}
    aside |= {"off policy": served} if isinstance(served, str) else {}
    told = {"off policy": served} if isinstance(served, dict) else {}
    return result | told | {"protocol": protocol, "sampled": sampled, "aside": aside}


def _off_policy(data: DataSet) -> dict | str:
    """What served lists tell by their propensities, or why they tell nothing."""
    try:
        return estimated(data)
    except inputs.StepMissing as reason:
        return str(reason)


def _fitted(data: DataSet, protocol: str, options: Options, report: Report) -> dict:
    report("read acts")
    found = world(data, options.repeats, options.on_air_hours)
    why = why_none(data, protocol != "random-75-25", found.ordered)
    most = options.most or _most(found, why is None)
    plan = PLANS[protocol].plan(found, **({"most": most} if most else {}))
    plan = replace(plan, tasks=tuple(task for task in plan.tasks if len(task.asked)))
    if not plan.tasks:
        raise InputError(
            f"data set {data.name!r}: expected acts that {protocol} can ask for, found none; bring more data"
        )
    extra = None if why else feature_columns(found.items)
    parts = [_answers(found, task, extra, report) for task in plan.tasks]
    largest = max(range(len(parts)), key=lambda number: len(plan.tasks[number].fit))
    left_out = _left_out(parts[largest][1], found, plan.tasks[largest], report) if options.ablations else {}
    report("measure")
    acts = np.bincount(plan.tasks[largest].fit.items, minlength=len(found.items))
    measuring = Measuring(found.items, acts, of_all=protocol == "random-75-25")
    return {
        **_head(data, protocol, found, plan),
        "features": why or "as known just before each question",
        "chosen": {task.name: part.told for task, (_, part) in zip(plan.tasks, parts, strict=True)},
        "aside": {name: reason for _, part in parts for name, reason in part.aside.items()}
        | Simple(found.items, found.repeats).aside,
        **figures(measuring, together([answers for answers, _ in parts]), found.repeats),
        **ablated(measuring, replace(parts[largest][0], lists=left_out)),
    }


def _most(world: World, features: bool) -> int | None:
    """How many questions are asked at most; None for as many as the protocol asks."""
    return MOST_QUESTIONS if features else MOST_OF_LARGE if len(world.items) > LARGE else None


def _left_out(ours: Ours, world: World, task: Task, report: Report) -> dict[str, np.ndarray]:
    """Lists by what is left out of the ranker, or run of re-ranking."""
    lists = without(ours, report)
    report("re-rank step by step")
    return lists | by_step(ours, world, task)


def _answers(world: World, task: Task, extra: Extra | None, report: Report) -> tuple[Answers, Ours]:
    found = ours(world, task, extra, report)
    simple = simple_answers(world, task)
    return replace(simple, lists={**found.lists, **simple.lists}), found


def _head(data: DataSet, protocol: str, world: World, plan: Plan) -> dict:
    return {
        "dataset": data.name,
        "protocol": protocol,
        "evaluated_at": clock.now().isoformat(),
        "questions": sum(len(task.asked) for task in plan.tasks),
        "users": len(np.unique(np.concatenate([task.asked.users for task in plan.tasks]))),
        "acts": len(world.acts),
        "items": len(world.items),
        "fitted": [{"name": task.name, "acts": len(task.fit), "questions": len(task.asked)} for task in plan.tasks],
        "repeats": {"count": world.repeats, "share of visits": world.visits.share_again},
        "on air": _on_air(world),
        "sampled": plan.sampled,
        "notes": list(plan.notes),
    }


def _on_air(world: World) -> str:
    if world.rule.hours is not None:
        return f"acted on by anybody within the last {world.rule.hours * (3_600 if world.ordered else 1):g} " + (
            "steps" if world.ordered else "hours"
        )
    return "from item_start to item_end" if len(world.spells.places) else "by the items' own times, always without"


def _known(value: Any) -> Any:
    """The same with None for NaN, which JSON does not know."""
    if isinstance(value, dict):
        return {name: _known(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_known(part) for part in value]
    return None if isinstance(value, float) and np.isnan(value) else value


def _write(data: DataSet, protocol: str, result: dict) -> None:
    data.training.mkdir(parents=True, exist_ok=True)
    partial = path(data, protocol).with_suffix(".partial")
    partial.write_text(json.dumps(result, indent=1) + "\n")
    os.replace(partial, path(data, protocol))


def path(data: DataSet, protocol: str) -> Path:
    """Where the figures of a protocol are kept."""
    return data.training / f"evaluation-{protocol}.json"


def page_of(data: DataSet, protocol: str) -> Path:
    """Where its page with plots is written unless told otherwise."""
    return path(data, protocol).with_suffix(".html")
