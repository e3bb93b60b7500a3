import json

import numpy as np
import pytest
import tastes

from models.learning.holdouts import LaterHoldout, RandomHoldout
from models.learning.learn import learn
from models.learning.question import Question

USERS, ITEMS = 60, 120
ACTS, CATALOGUE = tastes.acts(USERS, ITEMS, 30), tastes.items(ITEMS)
NAMES = ["als", "item_item", "trending"]


def learned(holdout, **options):
    return learn(ACTS, CATALOGUE, holdout, names=NAMES, rankers=("lambdamart", "logistic"), **options)


@pytest.fixture(scope="module")
def by_chance():
    return learned(RandomHoldout(3))


def test_unseen_items_of_the_viewers_taste_come_first(by_chance):
    for user in (0, 1):
        viewer = tastes.viewer(ACTS, user)
        places, scores = by_chance.rank(viewer, tastes.moment(ITEMS), tastes.unseen(viewer, ITEMS), 5)
        assert len(places) == 5 and (np.diff(scores) <= 0).all()
        assert ((places >= ITEMS // 2) == bool(user)).all()
        assert not np.isin(places, viewer.items).any()


def test_it_says_what_was_tried_kept_and_why(by_chance):
    told = json.loads(json.dumps(by_chance.chosen))
    assert told["sources"] == NAMES == by_chance.sources.names
    assert set(told["sources alone"]) == set(NAMES) and told["folds"] == 3
    assert told["questions"] == 3 * USERS and 0 < told["proposed"] <= told["wanted"]
    assert told["kept"] and told["why"]


def test_one_kind_of_ranker_is_kept_without_a_choice():
    found = learn(ACTS, CATALOGUE, RandomHoldout(2, seed=1), names=NAMES, rankers=("logistic",))
    assert found.chosen["kind"] == "logistic"


def test_the_same_acts_give_the_same_lists(by_chance):
    viewer = tastes.viewer(ACTS, 3)
    question = (viewer, tastes.moment(ITEMS), tastes.unseen(viewer, ITEMS), 10)
    for one, other in zip(learned(RandomHoldout(3)).rank(*question), by_chance.rank(*question), strict=True):
        np.testing.assert_array_equal(one, other)


def test_sources_are_fitted_to_all_acts_in_the_end(by_chance):
    from models.retrieval.als import Als

    assert by_chance.sources.sources[0].version == Als.fit(ACTS, CATALOGUE).version


def test_later_acts_teach_too():
    found = learned(LaterHoldout(count=2, most=100))
    viewer = tastes.viewer(ACTS, 0)
    places, _ = found.rank(viewer, tastes.moment(ITEMS), tastes.unseen(viewer, ITEMS), 5)
    assert (places < ITEMS // 2).all()


def test_further_columns_are_learned_from_and_asked_for_again():
    """The column betrays the answer; what is ranked by it shows that it came through."""

    def extra(questions: list[Question], places: list[np.ndarray]) -> dict[str, np.ndarray]:
        wanted = [np.isin(own, q.wanted) | (own == 7) for q, own in zip(questions, places, strict=True)]
        return {"betrayed": np.concatenate(wanted).astype(np.float32)}

    found = learned(RandomHoldout(3), extra=extra)
    assert found.feature_names[0] == "betrayed"
    allowed = np.zeros(ITEMS, bool)
    allowed[:30] = True
    assert found.rank(tastes.viewer(ACTS, 1), tastes.moment(ITEMS), allowed, 1)[0].tolist() == [7]


def test_with_too_little_to_learn_from_the_best_source_alone_is_kept():
    few = ACTS.only(ACTS.users < 4)
    found = learn(few, CATALOGUE, RandomHoldout(2), names=NAMES)
    assert found.chosen["kept"].endswith(" alone") and "too" not in found.chosen["kept"]
    assert "fewer than" in found.chosen["why"]
    viewer = tastes.viewer(few, 0)
    places, _ = found.rank(viewer, tastes.moment(ITEMS), tastes.unseen(viewer, ITEMS), 3)
    assert len(places) == 3


def test_a_source_that_cannot_be_fitted_to_a_fold_says_nothing_there_and_serves_all_the_same():
    half = int(np.median(ACTS.times))
    late = ACTS.times > half  # before, all acts are of one time
    acts = tastes.of(ACTS.users, ACTS.items, np.where(late, ACTS.times, 0), USERS, ITEMS)
    found = learn(acts, CATALOGUE, LaterHoldout(count=2, first=0.5), names=["item_item", "transitions"])
    assert found.sources.names == ["item_item", "transitions"]
    viewer = tastes.viewer(acts, 1)
    assert len(found.rank(viewer, tastes.moment(ITEMS), tastes.unseen(viewer, ITEMS), 5)[0]) == 5


def test_without_a_later_part_it_says_what_is_missing():
    flat = tastes.of(ACTS.users, ACTS.items, np.zeros(len(ACTS)), USERS, ITEMS)
    with pytest.raises(ValueError, match="holdout: expected"):
        learn(flat, CATALOGUE, LaterHoldout(), names=NAMES)
