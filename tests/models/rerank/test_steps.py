from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reranked import context, in_order, items

from models.rerank.steps import RerankSettings, aside, rerank, steps
from models.viewer import Viewer

choices = st.builds(
    RerankSettings,
    seen_leaves=st.booleans(),
    stated_first=st.booleans(),
    most_per_topic=st.none() | st.integers(1, 9),
    most_per_creator=st.none() | st.integers(1, 9),
    mmr_weight=st.none() | st.floats(0, 1),
    fresh_strength=st.none() | st.floats(0, 5),
    fresh_days=st.floats(0.5, 30),
    fresh_fade=st.sampled_from(["linear", "exponential"]),
    explore=st.sampled_from([None, "thompson", "epsilon"]),
    explore_share=st.floats(0, 1),
)


@settings(deadline=None, max_examples=60)
@given(choices)
def test_settings_come_back_from_json_as_they_were(chosen):
    assert RerankSettings.from_json(chosen.as_json()) == chosen


@settings(deadline=None, max_examples=60)
@given(choices, st.integers(0, 2**63 - 1))
def test_whatever_the_settings_hidden_items_leave_and_no_item_is_doubled(chosen, seed):
    random = np.random.default_rng(3)
    catalogue = items([[t] if t != "-" else None for t in random.choice(list("abc-"), 25)], list("uvwxy" * 5))
    viewer = Viewer("u", items=np.array([4, 5]), hidden=np.array([0, 7]))
    asked = replace(context(catalogue, 6, viewer, ages=range(25)), seed=seed)
    found = rerank(in_order(20), steps(chosen), asked)
    gone = {0, 7} | ({4, 5} if chosen.seen_leaves else set())
    assert sorted(found.places.tolist()) == sorted(set(range(20)) - gone)
    np.testing.assert_array_equal(found.scores, -found.places.astype(float))


def test_steps_work_in_one_order_and_those_that_are_switched_off_are_not_there():
    everything = RerankSettings(seen_leaves=True, mmr_weight=0.3)
    assert [step.name for step in steps(everything)] == [
        "hidden", "seen", "stated", "fresh", "mmr", "diversity", "exploration"
    ]  # fmt: skip
    nothing = RerankSettings(False, False, None, None, None, None, explore=None)
    assert [step.name for step in steps(nothing)] == ["hidden"]


def test_a_step_that_lacks_what_it_needs_is_left_out_and_says_why():
    asked, chosen = context(items([None] * 8), 3), steps(RerankSettings(explore=None))
    found = rerank(in_order(8), chosen, asked)
    assert found.places.tolist() == list(range(8))
    assert aside(chosen, asked) == {
        "stated": "the viewer stated no topics", "fresh": "nobody knows when an item began",
        "mmr": "no item has a topic or a creator", "diversity": "no item has a topic or a creator",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ('{"most_per_topic": 0}', "most_per_topic: expected a whole number from 1 or null, found 0"),
        ('{"explore_share": 1.5}', "explore_share: expected a number from 0 to 1, found 1.5"),
        ('{"explore_share": null}', "explore_share: expected a number from 0 to 1, found None"),
        ('{"explore": "greedy"}', "explore: expected one of .* or null, found 'greedy'"),
        ('{"fresh_days": "7"}', "fresh_days: expected a number"),
        ('{"seen_leaves": 1}', "seen_leaves: expected one of \\[true, false\\], found 1"),
        ('{"colour": 3}', "found \\['colour'\\]"),
        ("[]", "expected an object"),
    ],
)
def test_settings_that_make_no_sense_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        RerankSettings.from_json(wrong)
