"""Sources that fail, hang or are slow do not keep the others from answering."""

import threading
from dataclasses import dataclass, field

import numpy as np
import pytest
import rich_world

from models.retrieval.side_by_side import Lanes, ask
from models.retrieval.source import best
from models.viewer import Viewer

ITEMS = 20
SCORES = np.arange(ITEMS, dtype=np.float32)
ALL = np.ones(ITEMS, bool)


@dataclass(frozen=True)
class Good:
    name: str = "good"

    def find(self, viewer, moment, allowed, most):
        return best(SCORES, allowed, most)


@dataclass(frozen=True)
class Broken(Good):
    name: str = "broken"

    def find(self, viewer, moment, allowed, most):
        raise KeyError("no such column")


@dataclass(frozen=True)
class Hanging(Good):
    """Answers nobody until it is let go."""

    name: str = "hanging"
    let_go: threading.Event = field(default_factory=threading.Event)

    def find(self, viewer, moment, allowed, most):
        self.let_go.wait(30)
        return best(SCORES, allowed, most)


@dataclass(frozen=True)
class Where(Good):
    """Notes the thread that it is asked in."""

    threads: list[int] = field(default_factory=list)

    def find(self, viewer, moment, allowed, most):
        self.threads.append(threading.get_ident())
        return super().find(viewer, moment, allowed, most)


@pytest.fixture
def lanes():
    lanes = Lanes()
    yield lanes
    lanes.close()


def asked(*sources, **how):
    return ask(sources, Viewer(), None, ALL, 3, **how)


def test_one_that_fails_is_left_out_with_its_reason(lanes):
    for pool in (None, lanes):
        answer = asked(Broken(), Good(), pool=pool, budget_seconds=10)
        assert answer.found["good"].places.tolist() == [19, 18, 17]
        assert answer.left_out == {"broken": "failed: KeyError: 'no such column'"}
        assert answer.seconds.keys() == {"good"}


def test_one_that_hangs_is_late_and_holds_up_no_later_request(lanes):
    hanging = Hanging()
    for _ in range(3):
        answer = asked(hanging, Good(), pool=lanes, budget_seconds=0.2)
        assert answer.left_out == {"hanging": "late: no answer within 200 ms"} and "good" in answer.found
    hanging.let_go.set()
    assert asked(hanging, Good(), pool=lanes, budget_seconds=20).left_out == {}


def test_one_that_was_quick_and_hangs_holds_up_neither_those_behind_it_nor_later_requests(lanes):
    hanging, sources = Hanging(), [Good(name) for name in "abc"]
    hanging.let_go.set()
    for _ in range(2):  # the second time all are known to be quick
        assert asked(hanging, *sources, pool=lanes, budget_seconds=20).left_out == {}
    hanging.let_go.clear()
    for _ in range(3):
        answer = asked(hanging, *sources, pool=lanes, budget_seconds=0.3)
        assert answer.left_out.keys() == {"hanging"} and answer.found.keys() == {"a", "b", "c"}
    hanging.let_go.set()


def test_those_that_were_quick_share_a_thread(lanes):
    first, then = Where("x"), Where("y")
    for _ in range(2):
        asked(first, then, pool=lanes, budget_seconds=20)
    assert first.threads[0] != then.threads[0] and first.threads[1] == then.threads[1]


def test_one_that_fails_in_turn_is_left_out_and_the_others_answer(lanes):
    for _ in range(2):
        answer = asked(Broken(), Good(), pool=lanes, budget_seconds=10)
    assert answer.left_out.keys() == {"broken"} and answer.found.keys() == {"good"}


def test_side_by_side_finds_what_one_after_another_finds(lanes):
    from models.retrieval.sources import fit_all

    fitted = fit_all(*rich_world.known())
    for viewer in rich_world.viewers()[:3]:
        question = (fitted.sources, viewer, rich_world.moment(), rich_world.moment().on_air, 30)
        alone, beside = ask(*question), ask(*question, budget_seconds=30, pool=lanes)  # lanes first, then in turn
        assert alone.left_out == beside.left_out == {} and alone.found.keys() == beside.found.keys()
        for name, found in alone.found.items():
            np.testing.assert_array_equal(found.places, beside.found[name].places)
            np.testing.assert_array_equal(found.scores, beside.found[name].scores)
