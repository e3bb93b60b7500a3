"""What is logged as the propensity is how often it happens: counted over many seeds."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reranked import context, in_order, items, seeded
from scipy import stats

from models.rerank.exploration import LEARN, Exploration

SEEDS = 4_000


def asked(rows: int, k: int, kind: str):
    catalogue = context(items([None] * rows), k)
    if kind == "epsilon":
        return catalogue
    random = np.random.default_rng(rows)
    shown = random.integers(0, 200, rows)
    return replace(catalogue, impressions=shown, clicks=random.binomial(shown, 0.1))


@pytest.mark.parametrize("kind", ["epsilon", "thompson"])
@pytest.mark.parametrize(
    ("rows", "k", "share"),
    [(12, 5, 0.2), (10, 7, 0.2), (9, 6, 0.5), (4, 6, 0.3), (5, 5, 0.4), (9, 3, 0.2), (6, 1, 0.2)],
)
def test_each_item_stands_in_each_slot_as_often_as_its_propensity_says(kind, rows, k, share):
    request, step, ranked = asked(rows, k, kind), Exploration(share, kind), in_order(rows)
    counts, propensity, slots = Counter(), {}, min(k, rows)
    for seed in range(SEEDS):
        found = step.apply(ranked, seeded(request, seed))
        cells = list(zip(found.places[:slots].tolist(), range(slots), strict=True))
        counts.update(cells)
        propensity.update(zip(cells, found.propensity[:slots].tolist(), strict=True))
    assert sum(propensity.values()) == pytest.approx(slots, abs=0.02)  # those that never happened are missing
    for slot in range(slots):
        cells = [cell for cell in counts if cell[1] == slot and propensity[cell] * SEEDS >= 5]
        seen = np.array([counts[cell] for cell in cells] + [SEEDS - sum(counts[cell] for cell in cells)])
        told = np.array([propensity[cell] for cell in cells]) * SEEDS
        told = np.append(told, SEEDS - told.sum())
        kept = told > 1
        assert stats.chisquare(seen[kept], told[kept] * seen[kept].sum() / told[kept].sum()).pvalue > 1e-4


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["epsilon", "thompson"]), st.integers(0, 30), st.integers(1, 12),
    st.sampled_from([0.0, 0.2, 0.55, 1.0]), st.integers(0, 1000),
)  # fmt: skip
def test_no_item_is_lost_or_doubled_and_the_rest_keeps_its_order(kind, rows, k, share, seed):
    found = Exploration(share, kind).apply(in_order(rows), seeded(asked(rows, k, kind), seed))
    assert sorted(found.places.tolist()) == list(range(rows))
    assert (np.diff(found.places[k:]) > 0).all()
    assert ((found.propensity[:k] > 0) & (found.propensity[:k] <= 1)).all()
    assert np.isnan(found.propensity[k:]).all()


def test_the_share_of_slots_that_explore_is_exact_also_where_it_is_no_whole_number():
    step, request = Exploration(0.2, "epsilon"), context(items([None] * 50), 7)
    explored = sum(
        sum(LEARN in " ".join(words) for words in step.apply(in_order(50), seeded(request, seed)).changes.values())
        for seed in range(4000)
    )
    assert explored / 4000 / 7 == pytest.approx(0.2, abs=0.01)


def test_nothing_is_explored_with_a_share_of_none():
    found = Exploration(0.0).apply(in_order(9), context(items([None] * 9), 4))
    assert found.places.tolist() == list(range(9))
    np.testing.assert_array_equal(found.propensity[:4], 1)
    assert found.changes == {}


def test_the_same_seed_gives_the_same_list():
    request = asked(40, 10, "thompson")
    first, again = (Exploration().apply(in_order(40), request) for _ in range(2))
    assert first.places.tolist() == again.places.tolist()
    np.testing.assert_array_equal(first.propensity, again.propensity)


def test_without_outcomes_items_are_drawn_alike():
    request = context(items([None] * 20), 5)
    first, other = (Exploration(0.2, kind).apply(in_order(20), request) for kind in ("thompson", "epsilon"))
    assert first.places.tolist() == other.places.tolist()


def test_every_item_can_be_shown_and_one_that_does_well_more_often():
    request = asked(30, 5, "thompson")
    request = replace(request, impressions=np.full(30, 500), clicks=np.r_[np.full(29, 25), 75])
    found = [Exploration(0.2).apply(in_order(30), seeded(request, seed)).places[:5] for seed in range(400)]
    counts = np.bincount(np.concatenate(found), minlength=30)
    assert counts[29] > 10 * counts[10:29].max()
