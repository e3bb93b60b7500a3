import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.rankers import choice
from models.rankers.examples import Examples

RANDOM = np.random.default_rng(5)
GROUPS, EACH = 300, 8


def examples(slopes=(1.5, -0.7), **options) -> Examples:
    """One row of each group is wanted, drawn from the softmax of a plain sum of its features."""
    matrix = RANDOM.normal(size=(GROUPS, EACH, len(slopes)))
    utility = matrix @ np.array(slopes) + RANDOM.gumbel(size=(GROUPS, EACH))
    labels = (utility == utility.max(axis=1, keepdims=True)).ravel().astype(np.int8)
    groups = np.repeat(np.arange(GROUPS), EACH)
    names = [f"f{place}" for place in range(len(slopes))]
    return Examples(
        matrix.reshape(-1, len(slopes)).astype(np.float32), labels, groups, groups, features=names, **options
    )


KNOWN = examples()
MODEL = choice.fit(KNOWN)


def test_the_slopes_by_which_rows_were_drawn_are_found():
    np.testing.assert_allclose(MODEL.slope / MODEL.spread, [1.5, -0.7], atol=0.2)


def test_what_a_group_has_in_common_counts_for_nothing():
    shared = np.repeat(RANDOM.normal(size=GROUPS) * 5, EACH).astype(np.float32)
    wider = Examples(np.column_stack([KNOWN.matrix, shared]), KNOWN.labels, KNOWN.groups, KNOWN.times,
                     features=[*KNOWN.features, "shared"])  # fmt: skip
    found = choice.fit(wider)
    assert abs(found.slope[2]) < 1e-6
    np.testing.assert_allclose(found.slope[:2], MODEL.slope, atol=1e-6)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_contributions_add_up_to_the_score(seed):
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(9, 2), scale=4).astype(np.float32)
    matrix[random.random((9, 2)) < 0.3] = np.nan
    np.testing.assert_allclose(MODEL.contributions(matrix).sum(axis=1), MODEL.score(matrix), atol=1e-5)


def test_missing_values_have_a_worth_of_their_own():
    matrix = KNOWN.matrix.copy()
    wanted = KNOWN.labels > 0
    matrix[wanted, 0] = np.nan  # only what is wanted is ever missing
    gone = Examples(matrix, KNOWN.labels, KNOWN.groups, KNOWN.times, features=KNOWN.features)
    assert choice.fit(gone).missing[0] > 1


def test_long_tails_are_taken_as_logarithms():
    tailed = np.exp(KNOWN.matrix.astype(np.float64) * 4).astype(np.float32)
    found = choice.fit(Examples(tailed, KNOWN.labels, KNOWN.groups, KNOWN.times, features=KNOWN.features))
    assert found.tailed.tolist() == [1, 1] and found.slope[0] > 0 > found.slope[1]


def test_positions_are_learned_with_and_scored_without():
    slots = np.tile(np.arange(1, EACH + 1), GROUPS).astype(np.float32)
    shown = examples(positions=slots)
    assert choice.fit(shown).width == 2


@pytest.mark.parametrize("ridge", [1.0, 1e6])
def test_a_strong_penalty_draws_slopes_to_0(ridge):
    assert (np.abs(choice.fit(KNOWN, {"ridge": ridge}).slope).max() < 0.01) == (ridge > 1)


def test_what_is_saved_scores_the_same_bits(tmp_path):
    MODEL.save(tmp_path)
    np.testing.assert_array_equal(choice.load(tmp_path).score(KNOWN.matrix), MODEL.score(KNOWN.matrix))


def test_features_that_say_nearly_the_same_and_are_often_missing_do_not_lead_astray():
    random = np.random.default_rng(2)
    one = random.normal(size=(GROUPS, 20, 1))
    known = random.random((GROUPS, 20, 1)) < 0.25
    matrix = np.where(known, one + 0.2 * random.normal(size=(GROUPS, 20, 12)), np.nan)
    utility = (2 * one + 3 * known)[..., 0] + random.gumbel(size=(GROUPS, 20))
    labels = (utility == utility.max(axis=1, keepdims=True)).ravel()
    groups = np.repeat(np.arange(GROUPS), 20)
    names = [f"f{place}" for place in range(12)]
    many = Examples(
        matrix.reshape(-1, 12).astype(np.float32), labels.astype(np.int8), groups, groups, features=names
    )  # fmt: skip
    scores = choice.fit(many).score(many.matrix).astype(np.float64).reshape(GROUPS, 20)
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    assert np.log(chances.ravel()[labels] + 1e-300).mean() > np.log(1 / 20) + 0.8
