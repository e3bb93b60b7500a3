import numpy as np
import pytest
import tastes
from hypothesis import given, settings
from hypothesis import strategies as st

from models.learning.holdouts import LaterHoldout, RandomHoldout, dealt

ACTS = tastes.acts()


def asked(fold):
    owner = np.repeat(np.arange(len(fold)), np.diff(fold.starts))
    return list(zip(fold.users[owner].tolist(), fold.wanted.tolist(), strict=True))


def of(acts):
    return list(zip(acts.users.tolist(), acts.items.tolist(), strict=True))


def test_by_chance_every_act_is_asked_for_once_of_sources_that_never_saw_it():
    folds = list(RandomHoldout(4).folds(ACTS))
    assert sorted(pair for fold in folds for pair in asked(fold)) == sorted(of(ACTS))
    for fold in folds:
        assert not set(asked(fold)) & set(of(fold.fit))
        assert fold.history is fold.fit and (fold.instants > ACTS.times[:-1].max()).all()


def test_a_user_who_has_no_act_left_is_not_asked():
    acts = tastes.of([0, 1, 1, 1, 1], [0, 0, 1, 2, 3], range(5), 2, 4)
    for fold in RandomHoldout(2).folds(acts):
        assert fold.users.tolist() == [1]


def test_no_more_are_asked_than_most_and_the_draw_stays():
    first, again = (next(RandomHoldout(4, seed=3, most=7).folds(ACTS)) for _ in range(2))
    assert len(first) == 7
    assert asked(first) == asked(again)
    assert asked(first) != asked(next(RandomHoldout(4, seed=4, most=7).folds(ACTS)))


@given(st.lists(st.integers(0, 5), max_size=60), st.integers(2, 5), st.integers(0, 3))
@settings(deadline=None)
def test_acts_are_dealt_evenly_to_each_user(users, folds, seed):
    users = np.array(sorted(users), np.int64)
    found = dealt(users, folds, seed)
    for user in np.unique(users):
        counts = np.bincount(found[users == user], minlength=folds)
        assert len(counts) == folds and counts.max() - counts.min() <= 1


def test_later_acts_are_asked_for_by_what_was_fitted_to_all_before_them():
    folds = list(LaterHoldout(count=3, first=0.5, ahead=2).folds(ACTS))
    assert len(folds) == 3
    ends = [*(fold.fit.times[-1] for fold in folds[1:]), ACTS.times[-1]]
    for fold, end in zip(folds, ends, strict=True):
        assert fold.fit.times[-1] < fold.instants.min() and fold.instants.max() <= end
        assert (np.diff(fold.instants) >= 0).all() and np.diff(fold.starts).max() == 2
    assert [len(fold.fit) for fold in folds] == sorted({len(fold.fit) for fold in folds})


def test_what_is_wanted_are_the_users_next_acts_within_the_epoch():
    (fold,) = LaterHoldout(count=1, first=0.5, ahead=3).folds(ACTS)
    for number in range(len(fold)):
        own = (ACTS.users == fold.users[number]) & (ACTS.times >= fold.instants[number])
        assert fold.of(number).tolist() == sorted(set(ACTS.items[own][:3].tolist()))


@pytest.mark.parametrize("times", [np.zeros(6, np.int64), np.zeros(0, np.int64)])
def test_acts_of_one_instant_or_none_have_no_later_part(times):
    acts = tastes.of(np.zeros(len(times)), np.arange(len(times)), times, 1, 6)
    assert list(LaterHoldout().folds(acts)) == []
