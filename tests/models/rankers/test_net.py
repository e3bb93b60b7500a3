import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models import metrics
from models.rankers import click, click_net, net
from models.rankers.examples import Examples
from models.rankers.net_inputs import MOST_CODES, inputs_of

NAMES = ["user_trait_1", "item_good", "item_far"]
FEW = {"networks": 2, "passes": 3}


def examples(seed: int, rows: int = 3_000) -> Examples:
    """A code that is wanted when odd, a line, and a column with a long tail that says nothing."""
    random = np.random.default_rng(seed)
    code, good = random.integers(0, 8, rows), random.normal(size=rows)
    matrix = np.column_stack([code, good, np.exp(random.normal(size=rows) * 4)]).astype(np.float32)
    labels = (2.0 * (code % 2) + good + random.logistic(size=rows) > 1).astype(np.int8)
    places = np.arange(rows) // 6
    return Examples(matrix, labels, places, places, features=NAMES)


KNOWN, NEW = examples(1), examples(2)
MODEL = net.fit(KNOWN, FEW)


def area(model) -> float:
    return metrics.auc(NEW.labels, model.score(NEW.matrix))


def test_codes_are_told_apart_which_no_line_could():
    blind = net.fit(Examples(KNOWN.matrix, KNOWN.labels, KNOWN.groups, KNOWN.times, features=["a", "b", "c"]), FEW)
    assert blind.inputs.code.size == 0
    assert area(MODEL) > area(blind) + 0.05


def test_its_chances_are_what_comes():
    chances = 1 / (1 + np.exp(-MODEL.score(NEW.matrix)))
    assert abs(chances.mean() - NEW.labels.mean()) < 0.03


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_contributions_add_up_to_the_score_of_any_row(seed):
    random = np.random.default_rng(seed)
    matrix = (random.normal(size=(9, 3)) * np.exp(random.normal(size=(9, 3)) * 5)).astype(np.float32)
    matrix[random.random(matrix.shape) < 0.3] = np.nan
    np.testing.assert_allclose(MODEL.contributions(matrix).sum(axis=1), MODEL.score(matrix), atol=1e-3)


def test_what_says_nothing_contributes_little():
    parts = np.abs(MODEL.contributions(NEW.matrix)).mean(axis=0)
    assert parts[2] < 0.3 * min(parts[0], parts[1])


def test_networks_are_averaged():
    several, one = net.fit(KNOWN, {"networks": 3, "passes": 1}), net.fit(KNOWN, {"networks": 1, "passes": 1})
    assert several.into.shape[1] == 3 * one.into.shape[1]
    np.testing.assert_array_equal(several.into[:, : one.into.shape[1]], one.into)


def test_no_rows_have_no_scores():
    nothing = np.zeros((0, 3), np.float32)
    assert MODEL.score(nothing).shape == (0,) and MODEL.contributions(nothing).shape == (0, 4)


def test_a_column_of_many_values_has_no_places_for_codes():
    column = np.tile(np.arange(MOST_CODES + 1, dtype=np.float32), 200)[:, None]
    assert inputs_of(column, ["user_trait_1"]).code.size == 0
    assert inputs_of(column % 5, ["user_trait_1"]).code.tolist() == [0, 1, 2, 3, 4]


def test_trees_and_network_count_alike_in_their_sum():
    both = click_net.fit(KNOWN, {"click": {"rounds": 40}, "net": FEW})
    rest = 2 * both.score(NEW.matrix) - MODEL.score(NEW.matrix)
    trees = [click.fit(KNOWN, {"rounds": 40, "seed": seed}) for seed in click_net.SEEDS]
    assert both.trees.booster.num_boosted_rounds() == 3 * trees[0].booster.num_boosted_rounds()
    assert np.corrcoef(rest, sum(each.score(NEW.matrix) for each in trees))[0, 1] > 0.99
    assert area(both) > max(area(both.net), area(both.trees)) - 0.01
