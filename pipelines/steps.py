"""The steps before training: which are missing or no longer hold, and running these and no others.

Features are out of date when events arrived on days that they cover, when further days ended, or when items or users
were loaded since; what is applied, when `feature_repo/` changed; a training set and a ranker, when any of these or the
log did. What a step was made from is kept beside the data set, in `steps.json`.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from catalog.dataset import DataSet
from catalog.sql import file_list, query
from streamrank.clock import DAY
from streamrank.environment import CHECKOUT
from streamrank.events.log import EventLog

FILE = "steps.json"
Report = Callable[[str], None]


@dataclass(frozen=True)
class Step:
    """made_from: what the step depends on, as JSON; there: whether its result is; run: makes it."""

    name: str
    made_from: Callable[[DataSet], Any]
    there: Callable[[DataSet], bool]
    run: Callable[[DataSet, Report], None]


def bring_up_to_date(
    data: DataSet, upto: str, report: Report = lambda step: None, told: Report = lambda line: None
) -> list[str]:
    """Runs the steps up to `upto` ("features", "apply", "training-set", "train") that are missing or out of date.

    The names of those that ran; `told` hears of each, and why, before it runs.
    """
    data.manifest()
    ran: list[str] = []
    for step in STEPS[: [step.name for step in STEPS].index(upto) + 1]:
        reason = _reason(data, step)
        if reason:
            told(f"{step.name}: {reason}")
            step.run(data, report)
            ran.append(step.name)
            mark(data, step.name)
    return ran


def mark(data: DataSet, name: str) -> None:
    """Keeps what the step `name`, which has just run, was made from."""
    made_from = next(step.made_from for step in STEPS if step.name == name)
    marks = _marks(data) | {name: made_from(data)}
    partial = data.home / f".{FILE}.partial"
    partial.write_text(json.dumps(marks, indent=1) + "\n")
    os.replace(partial, data.home / FILE)


def _reason(data: DataSet, step: Step) -> str | None:
    if not step.there(data):
        return "missing"
    return "out of date" if _marks(data).get(step.name) != step.made_from(data) else None


def _marks(data: DataSet) -> dict[str, Any]:
    path = data.home / FILE
    return json.loads(path.read_text()) if path.exists() else {}


def _of_features(data: DataSet) -> Any:
    from pipelines.batch_features import last_known_day

    day = last_known_day()
    files = [path.stat().st_mtime_ns if path.exists() else 0 for path in (data.items, data.users)]
    return {"day": day, "events": _events(data, (day + 1) * DAY), "items and users": files}


def _of_applied(data: DataSet) -> Any:
    total = hashlib.sha256()
    for path in sorted((CHECKOUT / "feature_repo").glob("*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()


def _of_training_set(data: DataSet) -> Any:
    files = [path.stat().st_mtime_ns if path.exists() else 0 for path in (data.items, data.users)]
    manifest = data.manifest()
    said = [manifest.split_at, manifest.label_rule, manifest.repeats, manifest.on_air_hours]
    return {"events": _events(data, None), "items and users": files, "said": said, "applied": _of_applied(data)}


def _of_ranker(data: DataSet) -> Any:
    about = data.training / "training_set.json"
    return hashlib.sha256(about.read_bytes()).hexdigest() if about.exists() else None


def _events(data: DataSet, until_us: int | None) -> int:
    """Events of the log that arrived before an instant."""
    files = EventLog(data.events).files()
    if not files:
        return 0
    where = f"WHERE arrived_at < make_timestamptz({until_us})" if until_us is not None else ""
    return query(f"SELECT count(*) AS n FROM read_parquet({file_list(files)}) {where}")["n"][0].as_py()


def _run_features(data: DataSet, report: Report) -> None:
    from pipelines.batch_features import compute_batch_features

    report("features")
    compute_batch_features(data)


def _run_apply(data: DataSet, report: Report) -> None:
    from pipelines.feature_store import apply

    report("apply")
    apply()


def _run_training_set(data: DataSet, report: Report) -> None:
    from pipelines.training_set import build_training_set

    build_training_set(data, report)


def _run_train(data: DataSet, report: Report) -> None:
    from pipelines.train import train

    report("fit rankers")
    train(data)


def _has_features(data: DataSet) -> bool:
    from pipelines.batch_features import names

    return all((data.features / f"{name}.parquet").exists() for name in names())


STEPS = (
    Step("features", _of_features, _has_features, _run_features),
    Step("apply", _of_applied, lambda data: (data.home / "registry.db").exists(), _run_apply),
    Step(
        "training-set", _of_training_set, lambda data: (data.training / "training_set.parquet").exists(),
        _run_training_set,
    ),
    Step("train", _of_ranker, lambda data: (data.training / "ranker" / "recommender.json").exists(), _run_train),
)  # fmt: skip
