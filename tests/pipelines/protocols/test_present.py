"""Nothing that a question sees is later than the question."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from protocol_worlds import acts_of, world_of

from models.hidden_items import HiddenItems
from pipelines.protocols.answers import questions, simple_answers
from pipelines.protocols.asked import Task, single

PEOPLE, ITEMS, LAST = 4, 6, 30
acts = st.lists(
    st.tuples(st.integers(0, PEOPLE - 1), st.integers(0, ITEMS - 1), st.integers(0, LAST)), min_size=3, max_size=40
)


def task_of(world, until=LAST):
    chosen = np.flatnonzero(world.asked_for & (world.acts.times <= until))
    return Task("all", world.acts.before(0), world.acts, single(world.acts, chosen))


def seen(question):
    viewer, moment = question.viewer, question.moment
    return viewer.items.tolist(), moment.recent.tolist(), moment.on_air.tolist(), question.allowed.tolist()


@given(acts, st.integers(0, LAST), st.integers(0, 9), st.booleans(), st.sampled_from([None, 3]))
@settings(deadline=None)
def test_changing_what_comes_after_a_question_changes_nothing_that_it_sees(rows, instant, seed, repeats, hold):
    world = world_of(acts_of(*zip(*rows, strict=True), catalogue=ITEMS), repeats, hold)
    later = world.acts.times > instant
    random = np.random.default_rng(seed)
    users = np.where(later, random.integers(0, world.acts.shape[0], len(later)), world.acts.users).astype(np.int32)
    items = np.where(later, random.integers(0, ITEMS, len(later)), world.acts.items).astype(np.int32)
    changed = replace(world, acts=replace(world.acts, users=users, items=items))
    mine, task = task_of(world, instant), task_of(world, instant)
    other = replace(task, history=changed.acts)
    for one, two in zip(map(seen, questions(world, mine)), map(seen, questions(changed, other)), strict=True):
        assert one == two
    first, second = simple_answers(world, mine).lists, simple_answers(changed, other).lists
    for name, lists in first.items():
        np.testing.assert_array_equal(lists, second[name])


@given(acts)
@settings(deadline=None)
def test_seen_items_leave_unless_repeats_count_and_the_target_is_always_there(rows):
    world = world_of(acts_of(*zip(*rows, strict=True), catalogue=ITEMS))
    task = task_of(world)
    for question in questions(world, task):
        wanted = task.asked.of(question.number)
        assert question.allowed[wanted].all()
        rest = np.setdiff1d(question.viewer.items, wanted)
        assert not question.allowed[rest].any()
        assert not np.isin(wanted, question.viewer.items).any()


def test_only_what_somebody_watched_shortly_before_is_on_air():
    world = world_of(acts_of([0, 1, 2, 0], [0, 1, 2, 2], [0, 5, 9, 10], catalogue=4), repeats=True, hold=4)
    *_, last = questions(world, task_of(world))
    assert np.flatnonzero(last.moment.on_air).tolist() == [2]
    *_, earlier, _ = questions(world, task_of(world))
    assert np.flatnonzero(earlier.allowed).tolist() == [1, 2]  # and what was wanted: 2


@given(
    acts, st.lists(st.tuples(st.integers(0, PEOPLE - 1), st.integers(0, ITEMS - 1), st.integers(0, LAST)), max_size=9)
)
@settings(deadline=None)
def test_what_was_hidden_before_a_question_leaves_unless_it_is_wanted(rows, hides):
    made = acts_of(*zip(*rows, strict=True), catalogue=ITEMS)
    users, items, times = np.array(sorted(hides, key=lambda row: (row[0], row[2])), np.int64).reshape(-1, 3).T
    world = replace(world_of(made, True), hidden=HiddenItems(users, items, times))
    task = task_of(world)
    for question in questions(world, task):
        user, instant = task.asked.users[question.number], task.asked.instants[question.number]
        gone = [item for who, item, when in hides if who == user and when < instant]
        assert set(question.viewer.hidden.tolist()) == set(gone)
        assert not question.allowed[np.setdiff1d(gone, task.asked.of(question.number)).astype(int)].any()
