"""A data set of made-up viewers with tastes, brought to the online store, and a recommender promoted on it."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

DATASET = "bench"
TOPICS, TASTES, DAYS, MINUTES = 20, 3, 30, 40
TREES, DEPTH, ROWS = 200, 6, 6_000


def variables(folder: Path, port: int) -> dict[str, str]:
    """The platform's settings for a world in `folder` with its server on `port`."""
    return {
        "STREAMRANK_ROOT": str(folder), "STREAMRANK_DATASET": DATASET, "STREAMRANK_PROJECT": DATASET,
        "STREAMRANK_REDIS_URL": f"redis://127.0.0.1:{port}/0", "BENTOML_HOME": f"{folder}/bentoml",
    }  # fmt: skip


def build(folder: str, port: int, items: int, users: int, events: int) -> dict:
    """Every step up to a promoted model. What each source said of why it steps aside comes back."""
    root = Path(folder)
    os.environ |= variables(root, port)
    from catalog.dataset import DataSet
    from catalog.files import source
    from catalog.load import load
    from pipelines import feature_store
    from pipelines.batch_features import compute_batch_features
    from pipelines.streaming import fill_views

    data = DataSet.current()
    load(source(*_written(root, items, users, events), name=DATASET), data)
    compute_batch_features(data)
    feature_store.apply()
    feature_store.materialize_incremental(datetime.now(UTC))
    fill_views(data)
    return _promote(data)


def _promote(data) -> dict:
    """Sources fitted to all events; trees of the usual size that learned from noise, as fast as others."""
    from models.recommender import Recommender
    from models.retrieval.merging import SOURCE_FEATURES
    from models.retrieval.sources import fit_all
    from pipelines.feature_store import declared_features, open_store
    from pipelines.interactions import interactions
    from pipelines.model_store import store

    acts, catalogue = interactions(data)
    sources = fit_all(acts, catalogue)
    features, own = declared_features(open_store(), "ranker").names, SOURCE_FEATURES(sources.names)
    made = Recommender(
        items=catalogue, sources=sources, ranker=_ranker([*features, *own]), feast_features=tuple(features),
        source_features=tuple(own), seen_leaves=True,
    )  # fmt: skip
    store(data, made)
    return {"sources": sources.names, "aside": sources.aside, "features": len(features) + len(own)}


def _ranker(features: list[str]):
    import xgboost

    from models.ranker import Ranker

    rng = np.random.default_rng(11)
    matrix = rng.random((ROWS, len(features)), dtype=np.float32)
    labels = matrix[:, 0] + matrix[:, 1] * matrix[:, 2] + rng.normal(0, 0.1, ROWS)
    matrix[rng.random(matrix.shape) < 0.3] = np.nan
    options = {"max_depth": DEPTH, "eta": 0.1, "nthread": 1, "objective": "reg:squarederror", "tree_method": "hist"}
    booster = xgboost.train(options, xgboost.DMatrix(matrix, labels, feature_names=features), TREES)
    return Ranker.of(booster, features, {"feature_service": "ranker", "dataset": DATASET})


def _written(root: Path, items: int, users: int, events: int) -> tuple[Path, Path, Path]:
    tables = {"events": _events(items, users, events), "items": _items(items), "users": _users(users)}
    for name, table in tables.items():
        pq.write_table(table, root / f"{name}.parquet")
    return tuple(root / f"{name}.parquet" for name in tables)


def _events(items: int, users: int, events: int) -> pa.Table:
    """Views of the last month: half of them of a topic that the viewer likes, popular items more often."""
    rng = np.random.default_rng(5)
    who = rng.integers(users, size=events)
    liked = (who * 7 + rng.integers(TASTES, size=events) * 11) % TOPICS
    what = (rng.pareto(0.8, size=events) * items / 200).astype(np.int64) % items
    of_taste = (what // TOPICS * TOPICS + liked) % items
    what = np.where(rng.random(events) < 0.5, of_taste, what)
    watched = rng.integers(10_000, 3_600_000, size=events)
    now = datetime.now(UTC).replace(microsecond=0)
    begin = int((now - timedelta(days=DAYS)).timestamp() * 1e6)
    times = np.sort(begin + (rng.random(events) * DAYS * 86_400e6).astype(np.int64))
    return pa.table({
        "event_id": pa.array(np.char.add("e", np.arange(events).astype(str))),
        "event_time": pa.array(times, pa.timestamp("us", "UTC")),
        "event_type": pa.array(rng.choice(["impression", "click", "view", "view"], size=events)),
        "user_id": pa.array(who), "item_id": pa.array(what), "watch_ms": pa.array(watched),
        "duration_ms": pa.array(np.full(events, 3_600_000)),
    })  # fmt: skip


def _items(items: int) -> pa.Table:
    rng = np.random.default_rng(6)
    number = np.arange(items)
    words = rng.integers(2_000, size=(items, 3)).astype(str)
    titles = np.char.add(np.char.add(words[:, 0], " "), np.char.add(np.char.add(words[:, 1], " "), words[:, 2]))
    topics = np.stack([number % TOPICS, rng.integers(TOPICS, size=items)], axis=1).astype(str)
    return pa.table({
        "item_id": number, "creator_id": np.char.add("c", rng.integers(max(items // 10, 1), size=items).astype(str)),
        "topics": pa.array(list(np.char.add("t", topics))), "title": titles,
        "year": rng.integers(1990, 2026, size=items), "duration_ms": np.full(items, 3_600_000),
    })  # fmt: skip


def _users(users: int) -> pa.Table:
    return pa.table({"user_id": np.arange(users), "age": np.random.default_rng(8).integers(18, 80, size=users)})
