"""The training set: labelled groups of the training part, with what sources and features said at each group's instant.

Where impressions are logged the rows are the impressions; elsewhere they are the candidates of questions, as the
ranker will be asked them. Sources speak out of fold in time: those that were fitted before each group's epoch.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.dataset import DataSet
from catalog.schema import INSTANT
from pipelines import inputs
from pipelines.labels import POSITIVE
from pipelines.point_in_time import historical_features
from pipelines.source_rows import Asked, asked
from streamrank import clock
from validation.training_set import require_sound

SERVICE = "ranker"
KEYS = ("qid", "label", "user_id", "item_id", "request_time", "surface", "event_timestamp")
BESIDE = ("known_at", "weight", "slot")  # of a row, and no feature
STEPS = ("label what was shown", "fit sources and ask them", "ask for features", "validate")


@dataclass(frozen=True)
class TrainingSet:
    """What `training_set.json` says of the set. first, last: ISO instants of its first and last group.

    features: all columns that a ranker may take, those of the feature service first. sources: those that speak in
    `source_features`. aside: source -> why it has no part in it. found: source -> share of the answers that it
    proposed, empty where rows are impressions. shown: whether rows are impressions.
    """

    rows: int
    groups: int
    positives: int
    features: list[str]
    feature_service: str
    label_rule: str
    first: str
    last: str
    source_features: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    aside: dict[str, str] = field(default_factory=dict)
    found: dict[str, float] = field(default_factory=dict)
    seen_leaves: bool = True
    shown: bool = False


def build_training_set(
    data: DataSet, report: Callable[[str], None] = lambda step: None, service: str = SERVICE, out: Path | None = None
) -> TrainingSet:
    """Writes the columns KEYS, those of BESIDE that there are, then the features of `service` and of the sources,
    ordered by qid, as Parquet.

    It goes to `out`, or else to <home>/training/, from where `train` learns, and the fitted sources beside it. Raises
    UnsoundTrainingSet when the set breaks an expectation, StepMissing or FeaturesMissing when a step before it has not
    been run. `report` hears each of STEPS as it begins.
    """
    report(STEPS[0])
    found = asked(data, lambda: report(STEPS[1]))
    if not found.rows.num_rows:
        raise inputs.StepMissing(
            f"data set {data.name!r} gives no group with a positive and a negative: expected, before the test part, "
            f"impressions with outcomes, or acts, of which some are positive ({POSITIVE[data.manifest().label_rule]})"
        )
    report(STEPS[2])
    rows = with_features(found.rows.drop_columns(found.source_features), service)
    for name in found.source_features:
        rows = rows.append_column(name, found.rows[name])
    report(STEPS[3])
    require_sound(rows, clock.now_us())
    return _write(data, found, rows.drop_columns("known_at"), service, out)


def with_features(rows: pa.Table, service: str = SERVICE) -> pa.Table:
    """Grouped rows with KEYS, then the other columns of `rows`, then the features as of each row's request_time."""
    timed = rows.append_column("event_timestamp", rows["request_time"].cast(INSTANT))
    others = [name for name in timed.column_names if name not in KEYS]
    return historical_features(timed.select([*KEYS, *others]), service)


def read_training_set(data: DataSet) -> tuple[pa.Table, TrainingSet]:
    """The set that was written last; StepMissing when there is none."""
    parquet, about = _paths(data)
    if not parquet.exists() or not about.exists():
        raise inputs.StepMissing(f"no training set: expected {parquet}; run `streamrank training-set`")
    return pq.read_table(parquet), TrainingSet(**json.loads(about.read_text()))


def _write(data: DataSet, found: Asked, rows: pa.Table, service: str, out: Path | None) -> TrainingSet:
    ends = rows.slice(0, 1)["event_timestamp"][0], rows.slice(rows.num_rows - 1)["event_timestamp"][0]
    summary = TrainingSet(
        rows=rows.num_rows,
        groups=len(rows["qid"].unique()),
        positives=rows["label"].to_numpy().sum().item(),
        features=[name for name in rows.column_names if name not in (*KEYS, *BESIDE)],
        feature_service=service,
        label_rule=data.manifest().label_rule,
        first=ends[0].as_py().isoformat(),
        last=ends[1].as_py().isoformat(),
        source_features=found.source_features,
        sources=found.sources.names,
        aside=found.sources.aside,
        found=found.found,
        seen_leaves=found.seen_leaves,
        shown=found.shown,
    )
    parquet, about = _paths(data)
    target = out or parquet
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    pq.write_table(rows, partial, compression="zstd")
    if not out:
        found.save(data)
        about.write_text(json.dumps(asdict(summary), indent=1) + "\n")
    os.replace(partial, target)
    return summary


def _paths(data: DataSet) -> tuple[Path, Path]:
    return data.training / "training_set.parquet", data.training / "training_set.json"
