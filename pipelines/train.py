"""Fits the ranker to the training set that was written last."""

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from catalog.dataset import DataSet
from models.fitting import held_out
from models.matrix import matrix
from models.ranker import Ranker
from models.rankers import kinds
from models.rankers.examples import Examples
from pipelines.inputs import StepMissing
from pipelines.training_set import TrainingSet, read_training_set


@dataclass(frozen=True)
class Fit:
    """rows, stopped_on: rows fit and rows of the later slice; trees: kept; gains: feature -> its share of the gain."""

    rows: int
    stopped_on: int
    trees: int
    gains: dict[str, float]


def train(data: DataSet) -> Fit:
    """Writes the ranker into <home>/training/ranker. StepMissing when there is no training set."""
    rows, about = read_training_set(data)
    times, groups = rows["request_time"].to_numpy(), rows["qid"].to_numpy()
    examples = Examples(matrix(rows, about.features), rows["label"].to_numpy(), groups, times, features=about.features)
    model = kinds.fit("lambdamart", examples)
    folder = ranker_folder(data)
    shutil.rmtree(folder, ignore_errors=True)
    Ranker(model, about.features, _about(data, about)).save(folder)
    late = int(np.count_nonzero(held_out(times)))
    trees = model.booster
    gains = _gains(trees.get_score(importance_type="total_gain"))
    return Fit(len(times) - late, late, trees.num_boosted_rounds(), gains)


def trained(data: DataSet) -> Ranker:
    """The ranker that was fit last; StepMissing when there is none."""
    folder = ranker_folder(data)
    if not (folder / "model.json").exists():
        raise StepMissing(f"no trained ranker: expected {folder}; run `streamrank train`")
    return Ranker.load(folder)


def ranker_folder(data: DataSet) -> Path:
    return data.training / "ranker"


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


def _gains(scores: dict[str, float]) -> dict[str, float]:
    total = sum(scores.values())
    return {name: gain / total for name, gain in sorted(scores.items(), key=lambda entry: -entry[1])}
