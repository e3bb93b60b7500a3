"""A recommender in its folder, and what it may show."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import xgboost

from catalog.schema import ITEMS
from models.interactions import Interactions
from models.items import Items
from models.on_air import OnAir
from models.ranker import Ranker
from models.recommender import Recommender, allowed
from models.rerank.steps import RerankSettings
from models.retrieval.merging import SOURCE_FEATURES
from models.retrieval.sources import fit_all
from models.viewer import Moment, Viewer


@pytest.fixture
def made() -> Recommender:
    random = np.random.default_rng(5)
    items = Items(pa.Table.from_pylist([{"item_id": f"i{n}", "topics": ["t"]} for n in range(20)], ITEMS))
    people, what, one = random.integers(0, 9, 300), random.integers(0, 20, 300), np.ones(300, np.float32)
    acts = Interactions(
        people.astype(np.int32), what.astype(np.int32), np.arange(300) * 10_000_000_000, one, one, one,
        np.array([f"u{n}" for n in range(9)], object), items.ids,
    )  # fmt: skip
    sources = fit_all(acts, items, ["als", "trending"])
    features = ["item_views_60d", "trending_score", "als_rank"]
    target = xgboost.DMatrix(random.random((50, 3)), random.random(50), feature_names=features)
    ranker = Ranker.of(xgboost.train({"nthread": 1}, target, 3), features, {"dataset": "d"})
    return Recommender(
        items, sources, ranker, ("item_views_60d",), ("trending_score", "als_rank"),
        rerank=RerankSettings(explore=None, most_per_topic=2), seen_leaves=False, on_air=OnAir(2.0),
        chosen={"kept": "all"},
    )  # fmt: skip


def test_what_is_saved_is_loaded_and_scores_the_same(made, tmp_path):
    made.save(tmp_path / "m")
    found = Recommender.load(tmp_path / "m")
    assert found.items.table.equals(made.items.table) and found.names == made.names == ["als", "trending"]
    assert found.features == ["item_views_60d", "trending_score", "als_rank"] == found.ranker.features
    assert (found.rerank, found.seen_leaves, found.on_air) == (made.rerank, False, OnAir(2.0))
    assert found.chosen == {"kept": "all"} and found.service == "ranker"
    matrix = np.random.default_rng(1).random((7, 3), dtype=np.float32)
    np.testing.assert_array_equal(found.ranker.score(matrix), made.ranker.score(matrix))
    assert json.loads((tmp_path / "m" / "recommender.json").read_text())["on_air"] == {"hours": 2.0}


def test_the_ranker_gets_its_own_columns_of_what_sources_say(made):
    every = SOURCE_FEATURES(made.names)
    said = np.arange(2 * len(every), dtype=np.float32).reshape(2, -1)
    assert made.taken(said)[1].tolist() == [said[1, every.index(name)] for name in ("trending_score", "als_rank")]


def test_a_source_that_stepped_aside_since_keeps_its_name_so_that_its_columns_are_missing(made):
    less = replace(made, sources=made.sources.only(["trending"]))
    assert set(less.names) == {"trending", "als"}
    assert less.taken(np.zeros((1, len(SOURCE_FEATURES(less.names))), np.float32)).shape == (1, 2)


def test_what_is_off_air_or_hidden_is_not_allowed_and_what_was_seen_by_the_rule():
    nothing = np.zeros(4, np.float32)
    moment = Moment(0, np.array([True, True, True, False]), np.zeros(4, np.int64), nothing, nothing)
    viewer = Viewer(items=np.array([1, 1]), hidden=np.array([0]))
    assert allowed(viewer, moment, True).tolist() == [False, False, True, False]
    assert allowed(viewer, moment, False).tolist() == [False, True, True, False]
    assert moment.on_air.tolist() == [True, True, True, False]
