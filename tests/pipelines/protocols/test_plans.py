"""What each protocol asks, and what it may learn from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from protocol_worlds import acts_of, world_of

from pipelines.protocols import last_10_percent, leave_one_out, random_75_25
from pipelines.protocols.random_75_25 import in_training

acts = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9), st.integers(0, 40)), min_size=12, max_size=80)


def worlds(rows, repeats):
    return world_of(acts_of(*zip(*rows, strict=True), catalogue=10), repeats=repeats)


@given(acts, st.booleans(), st.sampled_from([leave_one_out, last_10_percent]))
@settings(deadline=None)
def test_no_question_lies_before_the_end_of_what_was_learned(rows, repeats, protocol):
    world = worlds(rows, repeats)
    for task in protocol.plan(world).tasks:
        assert not len(task.fit) or task.fit.times.max() < task.asked.instants.min()
        assert (np.diff(task.asked.instants) >= 0).all()
        assert task.timed and task.history is world.acts


@given(acts, st.booleans())
@settings(deadline=None)
def test_each_user_with_a_past_is_asked_once_for_the_last_visit(rows, repeats):
    world = worlds(rows, repeats)
    tasks = leave_one_out.plan(world).tasks
    asked = {int(u): int(t) for task in tasks for u, t in zip(task.asked.users, task.asked.instants, strict=True)}
    assert sum(len(task.asked) for task in tasks) == len(asked)
    for user in range(world.acts.shape[0]):
        own = world.acts.users == user
        may = np.flatnonzero(own & world.asked_for)
        last = world.acts.times[may[-1]] if len(may) else None
        has_past = len(may) and world.acts.times[own].min() < last
        assert asked.get(user) == (last if has_past else None)


@given(acts)
@settings(deadline=None)
def test_the_last_tenth_holds_every_visit_from_its_beginning_on(rows):
    world = worlds(rows, repeats=True)
    cut = world.acts.times[min(len(world.acts) - 1, int(np.ceil(len(world.acts) * 0.9)))]
    for task in last_10_percent.plan(world).tasks:
        later = world.acts.only(world.asked_for & (world.acts.times >= cut))
        np.testing.assert_array_equal(task.asked.wanted, later.items)
        assert len(task.fit) == np.count_nonzero(world.acts.times < cut)


def test_a_sample_is_said_and_the_same_each_time():
    random = np.random.default_rng(0)
    world = world_of(acts_of(random.integers(0, 80, 900), random.integers(0, 60, 900), np.arange(900)))
    for protocol in (leave_one_out, last_10_percent):
        first, again, all_of_it = protocol.plan(world, most=5), protocol.plan(world, most=5), protocol.plan(world)
        assert sum(len(task.asked) for task in first.tasks) == 5
        assert first.sampled["questions"].startswith("5 of ") and not all_of_it.sampled
        for one, other in zip(first.tasks, again.tasks, strict=True):
            np.testing.assert_array_equal(one.asked.wanted, other.asked.wanted)
    assert random_75_25.plan(world, most=7).sampled["users"].startswith("7 of ")


def test_by_chance_three_quarters_of_each_user_are_learned_and_the_rest_is_wanted():
    random = np.random.default_rng(1)
    users, items = np.divmod(random.permutation(30 * 40)[:500], 40)
    world = world_of(acts_of(users, items, np.arange(500), catalogue=40))
    plan = random_75_25.plan(world)
    assert len(plan.tasks) == 5
    for task in plan.tasks:
        held = np.bincount(task.fit.users, minlength=30)
        np.testing.assert_array_equal(held, np.round(np.bincount(users, minlength=30) * 0.75))
        assert len(task.fit) + len(task.asked.wanted) == 500 and not task.timed
        for question, user in enumerate(task.asked.users):
            assert not set(task.asked.of(question)) & set(task.fit.items[task.fit.users == user])


@pytest.mark.parametrize("seed", random_75_25.SEEDS)
def test_another_seed_is_another_part(seed):
    users = np.repeat(np.arange(9), 8)
    assert (in_training(users, seed) == in_training(users, seed)).all()
    assert (in_training(users, seed) != in_training(users, seed + 100)).any()
