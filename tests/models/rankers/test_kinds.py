"""Every kind of ranker, by the same promises: it learns, repeats itself, is saved whole, tells its score in parts."""

import json
from dataclasses import replace

import numpy as np
import pytest

from models import metrics
from models.ranker import Ranker
from models.rankers import kinds
from models.rankers.examples import Examples
from models.rankers.measures import AREAS, worth
from models.retrieval.source import StepsAside

FEATURES = ["user_eager", "item_good", "hour", "ut_match"]
EXPLAINED = ("lambdamart", "click", "blend", "forest", "logistic", "net", "click_net")


def examples(groups: int = 250, seed: int = 1, slots: bool = False) -> Examples:
    """Groups of six: users differ in how much they want, items in how good they are; the first slots get more."""
    random = np.random.default_rng(seed)
    rows = groups * 6
    eager = np.repeat(random.normal(size=groups), 6)
    matrix = np.column_stack([eager, random.normal(size=(rows, 3))]).astype(np.float32)
    slot = np.tile(np.arange(1.0, 7.0), groups)
    wish = matrix[:, 0] + matrix[:, 1] + matrix[:, 3] - (slot if slots else 0) + random.normal(0, 0.5, rows)
    matrix[random.random(matrix.shape) < 0.05] = np.nan
    codes = np.repeat(np.arange(groups), 6)
    labels = (wish > np.median(wish)).astype(np.int8)
    positions = slot.astype(np.float32) if slots else None
    return Examples(matrix, labels, codes, codes * 1_000, positions=positions, features=FEATURES, users=codes % 40)


def fitted(kind: str, given: Examples):
    try:
        return kinds.fit(kind, given)
    except StepsAside as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_it_learns_what_holds_of_others_too(kind):
    model, other = fitted(kind, examples()), examples(seed=2)
    _, areas, rows = metrics.auc_by_user(other.groups, other.labels, model.score(other.matrix))
    assert np.average(areas, weights=rows) > 0.7


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_the_same_examples_give_the_same_model_and_a_saved_one_is_what_is_loaded(kind, tmp_path):
    given = examples()
    first, second = fitted(kind, given), fitted(kind, given)
    scores = first.score(given.matrix)
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(scores, second.score(given.matrix))
    Ranker(first, FEATURES, {"dataset": "d"}, kind).save(tmp_path)
    loaded = Ranker.load(tmp_path)
    assert (loaded.kind, loaded.features, loaded.about) == (kind, FEATURES, {"dataset": "d"})
    np.testing.assert_array_equal(loaded.score(given.matrix), scores)


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_a_row_scores_alike_alone_and_among_others(kind):
    given = examples(60)
    model = fitted(kind, given)
    alone = np.concatenate([model.score(given.matrix[[row]]) for row in range(20)])
    np.testing.assert_allclose(alone, model.score(given.matrix)[:20], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("slots", [False, True])
@pytest.mark.parametrize("kind", EXPLAINED)
def test_contributions_add_up_to_the_score(kind, slots):
    given = examples(slots=slots)
    ranker = Ranker(fitted(kind, given), FEATURES, {}, kind)
    parts = ranker.contributions(given.matrix)
    assert parts.shape == (len(given), len(FEATURES) + 1) and parts.dtype == np.float32
    np.testing.assert_allclose(parts.sum(axis=1), ranker.score(given.matrix), atol=2e-4)


@pytest.mark.parametrize("kind", [*EXPLAINED, "two_tower"])
def test_the_slot_is_learned_from_and_not_asked_for(kind):
    """Good items were mostly shown late: who does not look at the slot takes them for bad ones."""
    given, random = examples(500, slots=True), np.random.default_rng(5)
    good = random.random(len(given)) < np.where(given.positions > 3, 0.8, 0.2)
    wish = good - 0.8 * given.positions + random.normal(0, 1.0, len(given))
    matrix = np.column_stack([given.matrix[:, :1], good, given.matrix[:, 2:]]).astype(np.float32)
    told = replace(given, matrix=matrix, labels=(wish > np.quantile(wish, 0.75)).astype(np.int8))
    knowing, blind = fitted(kind, told), fitted(kind, replace(told, positions=None))
    assert knowing.width == blind.width == len(FEATURES)
    bad_and_good = np.array([[0, 0, 0, 0], [0, 1, 0, 0]], np.float32)
    assert np.diff(knowing.score(bad_and_good)) > 0 > np.diff(blind.score(bad_and_good))


def test_a_folder_of_before_kinds_had_names_still_loads(tmp_path):
    given = examples()
    model = kinds.fit("lambdamart", given)
    model.booster.save_model(tmp_path / "model.ubj")
    (tmp_path / "model.json").write_text(json.dumps({"features": FEATURES, "label_rule": "click"}))
    loaded = Ranker.load(tmp_path)
    assert loaded.kind == "lambdamart" and loaded.about == {"label_rule": "click"}
    np.testing.assert_array_equal(loaded.score(given.matrix), model.score(given.matrix))


def test_the_first_kind_gives_way_to_one_that_is_better_by_more_than_the_lead():
    given, names = examples(slots=True), ("logistic", "lambdamart", "click")
    found = kinds.choose(given, names)
    ahead = {name: worth(found.tried[name], AREAS) - worth(found.tried["logistic"], AREAS) for name in names}
    assert max(ahead.values()) > 0 and found.kind == max(ahead, key=ahead.get)
    assert kinds.choose(given, names, lead=ahead[found.kind] - 1e-6).kind == found.kind
    assert kinds.choose(given, names, lead=ahead[found.kind] + 1e-6).kind == "logistic"


def test_the_kind_that_orders_the_later_slice_best_is_chosen_and_told():
    chosen = kinds.choose(examples(), ("lambdamart", "click", "logistic"))
    assert set(chosen.tried) == {"lambdamart", "click", "logistic"} and chosen.trials == {}
    worth = {kind: np.mean([found["auc"], found["user_auc"]]) for kind, found in chosen.tried.items()}
    assert chosen.kind == max(worth, key=worth.get) == "logistic"  # what it was made by is linear


def test_a_search_tries_the_usual_parameters_first_and_repeats_itself():
    given = examples(120)
    first, second = (kinds.choose(given, ("click",), trials=2) for _ in range(2))
    tried = first.trials["click"]
    assert len(tried) == 3 and tried[0]["parameters"] == {}
    assert first.parameters == max(tried, key=lambda each: each["worth"])["parameters"]
    assert tried == second.trials["click"]
    np.testing.assert_array_equal(first.model.score(given.matrix), second.model.score(given.matrix))


def test_a_kind_that_nobody_knows_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"expected one of lambdamart, click, .*found 'oracle'"):
        kinds.fit("oracle", examples(10))


def test_towers_without_features_of_both_sides_step_aside():
    pytest.importorskip("torch")
    with pytest.raises(StepsAside, match="found none of items"):
        kinds.fit("two_tower", replace(examples(10), features=["user_a", "user_b", "hour", "ut_c"]))


def test_weights_count_where_they_are_asked_for():
    given = examples()
    weights = np.where(given.matrix[:, 1] > 0, 3.0, 0.2).astype(np.float32)
    weighted = replace(given, weights=weights)
    plain = kinds.fit("click", given, {"exactly": 10}).score(given.matrix)
    np.testing.assert_array_equal(kinds.fit("click", weighted, {"exactly": 10}).score(given.matrix), plain)
    counted = kinds.fit("click", weighted, {"exactly": 10, "weighted": True}).score(given.matrix)
    assert not np.array_equal(counted, plain)
