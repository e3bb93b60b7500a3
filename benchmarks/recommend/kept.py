"""A ranker as the pipeline keeps it: grown on what was served, without the columns that hardly move its scores."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds

from benchmarks.recommend.world import TASTES, TOPICS, variables

SEED = 13
SIDES = ("feast_features", "source_features")
WANTED, OF_TASTE = 0.1, 0.5  # how often a viewer watches what is shown to them, and what is of their taste


def keep(folder: str, port: int, items: int) -> dict[str, int]:
    """Promotes the same recommender with another ranker, grown on the columns that make 98 % of what moves the scores
    of one grown on all. The rows are those of the served log; what viewers want of them follows the world's own law.
    """
    os.environ |= variables(Path(folder), port)
    from dataclasses import replace

    from catalog.dataset import DataSet
    from models.ranker import Ranker
    from models.rankers import lambdamart
    from pipelines.model_store import in_use, store
    from pipelines.telling import telling

    data = DataSet.current()
    made = in_use(data).recommender
    examples = _examples(_shown(data.served), made.features, items)
    told = telling(lambdamart.fit(examples), examples)
    places = [made.features.index(name) for name in told]
    grown = lambdamart.fit(replace(examples, matrix=examples.matrix[:, places], features=told))
    kept = {column: tuple(name for name in getattr(made, column) if name in set(told)) for column in SIDES}
    store(data, replace(made, ranker=Ranker(grown, told, made.ranker.about), **kept))
    return {"features": len(told), "trees": grown.booster.num_boosted_rounds()}


def _shown(served: Path) -> pa.Table:
    """The rows that the ranker ordered and that were shown, request by request."""
    rows = ds.dataset(served, format="parquet", partitioning="hive")
    shown = rows.to_table(filter=ds.field("returned") & ds.field("fallback").is_null())
    return shown.sort_by([("request_id", "ascending"), ("slot", "ascending")])


def _examples(shown: pa.Table, features: list[str], items: int):
    from models.rankers.examples import Examples

    groups = shown["request_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    matrix = np.column_stack([shown[name].to_numpy() for name in features]).astype(np.float32)
    times = np.zeros(len(shown), np.int64)
    return Examples(matrix, _wanted(shown, items), groups, times, features=features)


def _wanted(shown: pa.Table, items: int) -> np.ndarray:
    """0 or 1 [rows]: what is of the viewer's taste more often, and the better known."""
    who, what = (shown[name].cast(pa.int64()).to_numpy() for name in ("user_id", "item_id"))
    liked = (who[:, None] * 7 + np.arange(TASTES) * 11) % TOPICS
    chance = np.where((what[:, None] % TOPICS == liked).any(axis=1), OF_TASTE, WANTED)
    known = 1 / np.sqrt(1 + what / (items / 100))
    return (np.random.default_rng(SEED).random(len(what)) < chance * (0.5 + known)).astype(np.float32)
