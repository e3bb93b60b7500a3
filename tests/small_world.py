"""A small platform made by the real pipeline: two thousand events of one month, its features and a model."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from platforms import environment, free_port

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DATASET = "small-world"
USERS, ITEMS, EVENTS, DAYS = 40, 60, 2_000, 20
QUIET = "quiet"  # a user of the file who did nothing yet
ENDED, FUTURE = 7, 8  # items that are off the air at NOW: one is over, one has not begun


@dataclass(frozen=True)
class World:
    """A platform with data, features, a model and a running Valkey; user ids are strings, item ids integers."""

    root: Path
    variables: dict[str, str]

    def entered(self, **more: str):
        """This process, and what it starts, works on the world while the block lasts."""
        return environment(**self.variables, **more)

    @property
    def valkey(self) -> int:
        """Process id of its server."""
        return int((self.root / "valkey" / "valkey.pid").read_text())

    @cached_property
    def popular(self) -> list[int]:
        """The items on air at NOW, the most popular first, as the promoted model's catalogue has them."""
        catalogue = next((self.root / "bentoml" / "models" / f"ranker-{DATASET}").glob("*/catalog.parquet"))
        rows = pq.read_table(catalogue).sort_by([("popularity", "descending"), ("item_id", "ascending")])
        return [item for item in map(int, rows["item_id"].to_pylist()) if item not in (ENDED, FUTURE)]


def world_at(root: Path) -> World:
    """The world at `root`, with a port of its own, before anything is in it."""
    variables = {
        "STREAMRANK_ROOT": str(root), "STREAMRANK_DATASET": DATASET, "STREAMRANK_NOW": NOW.isoformat(),
        "STREAMRANK_REDIS_PORT": str(free_port()),
    }  # fmt: skip
    return World(root, variables)


def build(root: Path) -> None:
    """Every step of the pipeline but the training."""
    from catalog.dataset import DataSet
    from catalog.files import source
    from catalog.load import load
    from pipelines import feature_store
    from pipelines.batch_features import compute_batch_features
    from streamrank import clock, embedded

    with clock.use(clock.VirtualClock(clock.microseconds(NOW))):
        load(source(*write_sources(root), name=DATASET), DataSet.current())
        compute_batch_features(DataSet.current())
        feature_store.apply()
        embedded.ensure_redis()
        feature_store.materialize_incremental(NOW)
        promote(root, feature_store.declared_features(feature_store.open_store(), "ranker").names)


def write_sources(root: Path) -> tuple[Path, Path, Path]:
    """Events, items and users as a user of the platform would bring them."""
    random = np.random.default_rng(7)
    users, items = random.integers(USERS, size=EVENTS), random.zipf(1.5, size=EVENTS) % ITEMS
    ago = [timedelta(seconds=int(s)) for s in random.integers(86_400, DAYS * 86_400, size=EVENTS)]
    tables = {
        "events": {
            "event_id": [f"e{number}" for number in range(EVENTS)],
            "event_time": [NOW - time_ago for time_ago in ago],
            "event_type": random.choice(["impression", "click", "view", "like"], size=EVENTS).tolist(),
            "user_id": [f"u{user}" for user in users],
            "item_id": items,
        },
        "items": {
            "item_id": np.arange(ITEMS),
            "creator_id": [None if item % 10 == 9 else f"c{item % 6}" for item in range(ITEMS)],
            "topics": [[f"t{item % 4}", "all"] if item % 7 else None for item in range(ITEMS)],
            "title": [f"Title {item}" for item in range(ITEMS)],
            "available_from": [NOW + timedelta(days=1) if item == FUTURE else None for item in range(ITEMS)],
            "available_until": [NOW if item == ENDED else None for item in range(ITEMS)],
        },
        "users": {
            "user_id": [*(f"u{user}" for user in range(USERS)), QUIET],
            "age": [*random.integers(18, 80, size=USERS).tolist(), None],
            "gender": [*["F", "M"] * (USERS // 2), "F"],
        },
    }
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), root / f"{name}.parquet")
    return tuple(root / f"{name}.parquet" for name in tables)


def promote(root: Path, features: list[str]) -> None:
    """Stores a small model as `streamrank promote` does: sources fit to the log, trees over noise instead of labels."""
    from catalog.dataset import DataSet
    from models.recommender import Recommender
    from models.rerank.steps import RerankSettings
    from models.retrieval.merging import SOURCE_FEATURES
    from models.retrieval.sources import fit_all
    from pipelines.interactions import interactions
    from pipelines.model_store import store

    data = DataSet(root / DATASET)
    acts, items = interactions(data)
    sources = fit_all(acts, items)
    own = SOURCE_FEATURES(sources.names)
    recommender = Recommender(
        items=items, sources=sources, ranker=noise([*features, *own]), feast_features=tuple(features),
        source_features=tuple(own), rerank=RerankSettings(explore=None), seen_leaves=False,
    )  # fmt: skip
    store(data, recommender)


def noise(features: list[str]):
    """A ranker that learned nothing, and takes these features."""
    import xgboost

    from models.ranker import Ranker

    random = np.random.default_rng(11)
    matrix = random.random((500, len(features)), dtype=np.float32) * 10
    labels = matrix @ random.random(len(features), dtype=np.float32)
    booster = xgboost.train({"nthread": 1}, xgboost.DMatrix(matrix, labels, feature_names=features), 20)
    return Ranker.of(booster, features, {"feature_service": "ranker", "dataset": DATASET})
