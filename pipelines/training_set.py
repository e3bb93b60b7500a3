"""The training set: labelled groups of the training part, with the features as of each group's instant."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.dataset import DataSet
from catalog.schema import INSTANT
from pipelines import inputs
from pipelines.groups import grouped, with_both_outcomes
from pipelines.labels import has_impressions, labelled
from pipelines.point_in_time import historical_features
from pipelines.sampled_groups import sampled_groups
from pipelines.splits import split
from streamrank import clock
from validation.training_set import require_sound

SERVICE = "ranker"
KEYS = ("qid", "label", "user_id", "item_id", "request_time", "surface", "event_timestamp")


@dataclass(frozen=True)
class TrainingSet:
    """What `training_set.json` says of the set. first, last: ISO instants of its first and last group."""

    rows: int
    groups: int
    positives: int
    features: list[str]
    feature_service: str
    label_rule: str
    first: str
    last: str


def build_training_set(
    data: DataSet, report: Callable[[str], None] = lambda step: None, service: str = SERVICE, out: Path | None = None
) -> TrainingSet:
    """Writes the columns KEYS, then the features of `service`, ordered by qid, as Parquet.

    It goes to `out`, or else to <home>/training/, from where `train` learns. Raises UnsoundTrainingSet when the set
    breaks an expectation, StepMissing or FeaturesMissing when a step before it has not been run. `report` hears each
    step as it begins.
    """
    report("label what was shown")
    rows = training_groups(data)
    if not rows.num_rows:
        raise inputs.StepMissing(
            f"data set {data.name!r} gives no group with a positive and a negative: "
            f"expected impressions with outcomes, or acts such as ratings and views, before the test part"
        )
    report("ask for features")
    asked = with_features(rows, service)
    report("validate")
    require_sound(asked, clock.now_us())
    return _write(data, asked.drop_columns("known_at"), service, out)


def training_groups(data: DataSet) -> pa.Table:
    """The groups of the training part: `groups.GROUPED`."""
    manifest = data.manifest()
    learned, _ = split(labelled(data), manifest)
    if has_impressions(data):
        return with_both_outcomes(grouped(learned, manifest.group_zone_hours))
    return sampled_groups(learned, inputs.catalogue(data))


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


def _write(data: DataSet, rows: pa.Table, service: str, out: Path | None) -> TrainingSet:
    ends = rows.slice(0, 1)["event_timestamp"][0], rows.slice(rows.num_rows - 1)["event_timestamp"][0]
    summary = TrainingSet(
        rows=rows.num_rows,
        groups=len(rows["qid"].unique()),
        positives=rows["label"].to_numpy().sum().item(),
        features=[name for name in rows.column_names if name not in KEYS],
        feature_service=service,
        label_rule=data.manifest().label_rule,
        first=ends[0].as_py().isoformat(),
        last=ends[1].as_py().isoformat(),
    )
    parquet, about = _paths(data)
    target = out or parquet
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    pq.write_table(rows, partial, compression="zstd")
    if not out:
        about.write_text(json.dumps(asdict(summary), indent=1) + "\n")
    os.replace(partial, target)
    return summary


def _paths(data: DataSet) -> tuple[Path, Path]:
    return data.training / "training_set.parquet", data.training / "training_set.json"
