"""Fits the ranker to the training set that was written last, and puts it together with its sources: a recommender.

What is kept is decided on the later slice of the training set, from which nothing is learned before: the kind of
ranker, whether it takes what sources say, what features say or both, and whether it orders better than a source alone.
"""

import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from catalog.dataset import DataSet
from models.fitting import held_out
from models.ranker import Ranker
from models.recommender import Recommender
from models.rerank.steps import RerankSettings
from pipelines.choosing import TRIALS, choose
from pipelines.inputs import StepMissing
from pipelines.moments import on_air
from pipelines.source_rows import read_sources
from pipelines.training_set import TrainingSet, read_training_set


@dataclass(frozen=True)
class Fit:
    """rows, stopped_on: rows fit and rows of the later slice; trees: kept, 0 of a ranker that has none; gains: feature
    -> its share of the gain. kind: of ranker. chosen: what was kept and why, as in recommender.json.
    """

    rows: int
    stopped_on: int
    trees: int
    gains: dict[str, float]
    kind: str
    chosen: dict[str, Any] = field(default_factory=dict)


def train(data: DataSet, trials: int = TRIALS) -> Fit:
    """Writes the recommender into <home>/training/ranker. StepMissing when there is no training set.

    trials: of other parameters than the usual, for each kind of ranker that is tuned.
    """
    rows, about = read_training_set(data)
    choice = choose(rows, about, trials=trials)
    sources, items = read_sources(data)
    ranker = Ranker(choice.model, choice.features, _about(data, about), choice.kind)
    made = Recommender(
        items, sources, ranker,
        feast_features=tuple(name for name in choice.features if name not in about.source_features),
        source_features=tuple(name for name in choice.features if name in about.source_features),
        service=about.feature_service, rerank=RerankSettings(seen_leaves=about.seen_leaves),
        seen_leaves=about.seen_leaves, on_air=on_air(data),
        chosen=choice.told | {"aside": about.aside, "found": about.found},
    )  # fmt: skip
    folder = ranker_folder(data)
    shutil.rmtree(folder, ignore_errors=True)
    made.save(folder)
    return _fit(rows, made)


def trained(data: DataSet) -> Ranker:
    """The ranker that was fit last; StepMissing when there is none."""
    return Ranker.load(_folder(data, "model.json"))


def trained_recommender(data: DataSet) -> Recommender:
    """The recommender that was fit last; StepMissing when there is none."""
    return Recommender.load(_folder(data, "recommender.json"))


def ranker_folder(data: DataSet) -> Path:
    return data.training / "ranker"


def _folder(data: DataSet, file: str) -> Path:
    folder = ranker_folder(data)
    if not (folder / file).exists():
        raise StepMissing(f"no trained ranker: expected {folder / file}; run `streamrank train`")
    return folder


def _about(data: DataSet, about: TrainingSet) -> dict:
    return {
        "feature_service": about.feature_service,
        "dataset": data.name,
        "label_rule": about.label_rule,
        "data_window": {"from": about.first, "to": about.last},
        "training_set": {
            name: value for name, value in asdict(about).items() if name in ("rows", "groups", "positives")
        },
    }


def _fit(rows: pa.Table, made: Recommender) -> Fit:
    late = int(np.count_nonzero(held_out(rows["request_time"].to_numpy())))
    booster = getattr(made.ranker.model, "booster", None)
    gains = _gains(booster.get_score(importance_type="total_gain")) if booster else {}
    trees = booster.num_boosted_rounds() if booster else 0
    return Fit(rows.num_rows - late, late, trees, gains, made.ranker.kind, made.chosen)


def _gains(scores: dict[str, float]) -> dict[str, float]:
    total = sum(scores.values())
    return {name: gain / total for name, gain in sorted(scores.items(), key=lambda entry: -entry[1])}
