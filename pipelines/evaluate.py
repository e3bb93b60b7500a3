"""Tests the trained ranker on the requests of the test part, beside the baselines and the ranker now in use."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.dataset import DataSet
from models import bootstrap, metrics
from models.items import Items
from models.recommender import Recommender
from models.retrieval.merging import fused
from pipelines import inputs
from pipelines.as_known import asked_from, columns_as_known
from pipelines.baselines import baselines
from pipelines.evaluation_rows import EvaluationRows, evaluation_rows
from pipelines.interactions import items_of
from pipelines.labels import labelled
from pipelines.model_store import digest, in_use
from pipelines.protocols.calibration import calibration
from pipelines.protocols.measured import Measuring
from pipelines.protocols.rows import Rows, figures
from pipelines.retrieval import World, as_served, scores_of
from pipelines.splits import split
from pipelines.train import ranker_folder, trained, trained_recommender
from pipelines.training_set import with_features
from pipelines.worlds import present_world
from streamrank import clock

MEASURES = {
    "ndcg@10": lambda ranking: metrics.ndcg(ranking, 10),
    "recall@20": lambda ranking: metrics.recall(ranking, 20),
    "map@10": lambda ranking: metrics.average_precision(ranking, 10),
}
MAIN = "ndcg@10"
CHALLENGER, HOLDER, ALONE = "ranker", "ranker in use", "alone"
RETRIEVAL = "retrieval alone"
BEFORE_FITS = "requests before the first fit of sources"


@dataclass(frozen=True)
class Scored:
    """rows: qid, label, user_id, item_id, warm, request_time. scores: scorer name -> [rows]."""

    rows: pa.Table
    scores: dict[str, np.ndarray]


def evaluate(data: DataSet, report: Callable[[str], None] = lambda step: None) -> dict:
    """Writes <home>/training/evaluation.json and returns what it says.

    The tables: "warm" requests, of users with an event on an earlier UTC day, and "cold" ones; where impressions are
    logged "all" comes first. The first is the main one. StepMissing when no ranker has been trained.
    """
    made = trained_recommender(data)
    report("label the test part")
    asked = evaluation_rows(data)
    report("ask for features")
    world = present_world(data, made.items, made.half_life) if made.names else None
    asked, early = _answerable(asked, asked_from(data, world.acts) if world else None)
    rows = with_features(asked.rows)
    report("score")
    holder = in_use(data)
    found = _ranker_scores(data, made, holder.recommender if holder else None, rows, asked.shown, world)
    compared, aside = baselines(data, rows, made.half_life)
    found |= compared
    report("measure")
    scored = Scored(rows.select(["qid", "label", "user_id", "item_id", "warm", "request_time"]), found)
    catalogue = inputs.catalogue(data).num_rows
    parts = _parts(scored, asked.shown)
    measured = _figures(data, next(iter(parts.values())), asked.shown)
    retrieval = measured.pop(RETRIEVAL, None)
    result = {
        "dataset": data.name,
        "protocol": "impressions" if asked.shown else "temporal",
        "model": digest(ranker_folder(data)),
        "replaces": {"tag": holder.tag, "paired": HOLDER in found} if holder else None,
        "evaluated_at": clock.now().isoformat(),
        "main": MAIN,
        "tables": [
            _table(name, _compared(part), asked.shown and name == "all", catalogue)
            | {"requests": _requests(name, asked.requests)}
            for name, part in parts.items()
        ],
        "metrics": measured,
        "stages": ({"retrieval": retrieval} if retrieval else {}) | {"+ ranker": measured["ours"]},
        "calibration": _calibration(next(iter(parts.values()))) if asked.shown else [],
        "chosen": made.chosen,
        "left out": early,
        "aside": aside,
    }
    _write(data, result)
    return result


def read_evaluation(data: DataSet) -> dict:
    """What `evaluate` wrote last; StepMissing when that was never, or of another ranker than the one trained last."""
    path = _path(data)
    trained(data)
    if not path.exists():
        raise inputs.StepMissing(f"no evaluation: expected {path}; run `streamrank evaluate`")
    found = json.loads(path.read_text())
    if found["model"] != digest(ranker_folder(data)):
        raise inputs.StepMissing(f"{path} is of another ranker than the one trained last; run `streamrank evaluate`")
    return found


def _answerable(asked: EvaluationRows, since: int | None) -> tuple[EvaluationRows, dict[str, int]]:
    """The requests that sources can be asked, and by name how many cannot. since: us, the first fit of sources."""
    if since is None:
        return asked, {}
    early = asked.rows.filter(pc.less(asked.rows["request_time"], since))
    gone = {name: len(early.filter(pc.equal(early["warm"], name == "warm"))["qid"].unique()) for name in asked.requests}
    kept = asked.rows.filter(pc.greater_equal(asked.rows["request_time"], since))
    left = {name: count - gone[name] for name, count in asked.requests.items()}
    told = {BEFORE_FITS: sum(gone.values())} if early.num_rows else {}
    return replace(asked, rows=kept, requests=left), told


def _ranker_scores(
    data: DataSet, made: Recommender, holder: Recommender | None, rows: pa.Table, shown: bool, world: World | None
) -> dict[str, np.ndarray]:
    """The trained recommender, the one in use where it takes the same features, and each source alone.

    shown: rows are what was shown; elsewhere recommenders rank what their sources propose, as they do when they serve.
    """
    columns = columns_as_known(rows, made, data, world) if world else None
    found = {CHALLENGER: scores_of(rows, made, columns)}
    if holder and set(holder.feast_features) <= set(rows.column_names) and set(holder.names) <= set(made.names):
        # With sources as they were known: those in use have seen the test part.
        held = replace(holder, sources=made.sources, items=made.items)
        found[HOLDER] = scores_of(rows, held, columns)
    if not shown and made.names:
        found = {who: as_served(scores, columns, rows["qid"].to_numpy()) for who, scores in found.items()}
    alone = {f"{name} {ALONE}": _alone(columns[:, 2 * place]) for place, name in enumerate(made.names)}
    return found | alone | ({RETRIEVAL: fused(columns[:, 1:-1:2])} if alone else {})


def _alone(scores: np.ndarray) -> np.ndarray:
    """One source's scores, float32 [rows]; what it has nothing to say of comes behind all else."""
    known = scores[~np.isnan(scores)]
    return np.nan_to_num(scores, nan=float(known.min(initial=0)) - 1)


def _parts(scored: Scored, shown: bool) -> dict[str, Scored]:
    warm = scored.rows["warm"].to_numpy()
    chosen = {"all": np.ones(len(warm), bool)} if shown else {}
    chosen |= {"warm": warm, "cold": ~warm}
    return {
        name: Scored(scored.rows.filter(pa.array(mask)), {who: values[mask] for who, values in scored.scores.items()})
        for name, mask in chosen.items()
        if mask.any()
    }


def _compared(part: Scored) -> Scored:
    """Without the sources, which the ranker is made of."""
    kept = {who: values for who, values in part.scores.items() if not who.endswith(f" {ALONE}")}
    return Scored(part.rows, kept)


def _figures(data: DataSet, part: Scored, shown: bool) -> dict:
    """Every measure of every scorer over the main table's rows; the trained ranker is "ours"."""
    items = items_of(data)
    learned, _ = split(labelled(data), data.manifest())
    rows = Rows(
        part.rows["qid"].to_numpy(), part.rows["label"].to_numpy(), _codes(part.rows["user_id"]),
        _places(part.rows["item_id"], items),
    )  # fmt: skip
    scores = {"ours" if name == CHALLENGER else name: values for name, values in part.scores.items()}
    acts = np.bincount(_places(learned["item_id"], items), minlength=len(items))
    return figures(rows, scores, Measuring(items, acts, of_all=False), shown)


def _calibration(part: Scored) -> list[dict]:
    return calibration(part.scores[CHALLENGER], part.rows["label"].to_numpy(), _codes(part.rows["user_id"]))


def _places(ids: pa.ChunkedArray, items: Items) -> np.ndarray:
    return pc.index_in(ids.combine_chunks(), items.table["item_id"].combine_chunks()).to_numpy().astype(np.int64)


def _requests(name: str, counts: dict[str, int]) -> int:
    return sum(counts.values()) if name == "all" else counts[name]


def _table(name: str, part: Scored, areas: bool, catalogue: int) -> dict:
    """Each scorer's measures, and by how much the ranker beats each of the others."""
    groups, labels = part.rows["qid"].to_numpy(), part.rows["label"].to_numpy()
    users, items = _codes(part.rows["user_id"]), _codes(part.rows["item_id"])
    owner = users[np.unique(groups, return_index=True)[1]]
    by_request, scorers = {}, {}
    for scorer, scores in part.scores.items():
        ranking = metrics.rank(groups, labels, scores)
        telling = (ranking.relevant > 0) & (ranking.relevant < ranking.sum(np.ones(len(groups))))
        by_request[scorer] = {m: np.where(telling, f(ranking), np.nan) for m, f in MEASURES.items()}
        scorers[scorer] = {m: asdict(bootstrap.mean(values, owner)) for m, values in by_request[scorer].items()}
        scorers[scorer]["coverage@10"] = metrics.coverage(ranking, items, 10, catalogue)
        if areas:
            scorers[scorer] |= _areas(labels, scores, users)
    return {
        "name": name,
        "tested": len(owner),
        "telling": int(telling.sum()),
        "rows": len(groups),
        "positives": int(labels.sum()),
        "scorers": scorers,
        "differences": {
            other: {
                m: asdict(bootstrap.difference(by_request[CHALLENGER][m], by_request[other][m], owner))
                for m in MEASURES
            }
            for other in part.scores
            if other != CHALLENGER
        },
    }


def _areas(labels: np.ndarray, scores: np.ndarray, users: np.ndarray) -> dict:
    """AUC over all rows, and per user weighted by exposures, over users with both outcomes."""
    user, area, exposures = metrics.auc_by_user(users, labels, scores)
    return {
        "auc": asdict(bootstrap.auc(labels, scores, users)),
        "auc per user": asdict(bootstrap.mean(area, user, exposures)),
    }


def _codes(column: pa.ChunkedArray) -> np.ndarray:
    return column.combine_chunks().dictionary_encode().indices.to_numpy()


def _write(data: DataSet, result: dict) -> None:
    partial = _path(data).with_suffix(".partial")
    partial.write_text(json.dumps(result, indent=1) + "\n")
    os.replace(partial, _path(data))


def _path(data: DataSet) -> Path:
    return data.training / "evaluation.json"
