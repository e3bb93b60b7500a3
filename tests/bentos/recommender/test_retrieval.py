"""Candidates of a request: of every source that answers in time, filled with what is worth most, new ones behind."""

import time
from dataclasses import dataclass, replace

import numpy as np
import pytest
from bentos_catalogues import catalogue

from bentos.recommender.catalogue import UNKNOWN, Catalogue
from bentos.recommender.metrics import metrics
from bentos.recommender.retrieval import Retrieval
from models.retrieval.source import Found, best
from models.retrieval.sources import Fitted
from models.viewer import Moment, Viewer

ITEMS, BUDGET = 8, 0.2
VIEWER = Viewer()
EVERYTHING = np.ones(ITEMS, bool)
NO_PLACES = np.zeros(0, np.int64)
MOMENT = Moment(0, EVERYTHING, np.zeros(ITEMS, np.int64), np.zeros(ITEMS, np.float32), np.zeros(ITEMS, np.float32))


@dataclass(frozen=True)
class Listing:
    """Proposes the places that it was given, the first best; takes its time."""

    name: str
    places: tuple[int, ...]
    seconds: float = 0.0

    def find(self, viewer: Viewer, moment: Moment, allowed: np.ndarray, most: int) -> Found:
        time.sleep(self.seconds)
        scores = np.full(len(allowed), np.nan, np.float32)
        scores[list(self.places)] = -np.arange(len(self.places), dtype=np.float32)
        return best(scores, allowed, most)


@dataclass(frozen=True)
class Broken:
    name: str = "broken"

    def find(self, *question: object) -> Found:
        raise ZeroDivisionError("out of order")


@pytest.fixture
def retrieval():
    made = Retrieval(("quick", "broken", "slow"), BUDGET, metrics())
    yield made
    made.close()


def with_sources(*sources) -> Catalogue:
    return replace(catalogue(*({"item_id": f"i{n}"} for n in range(ITEMS))), sources=Fitted(sources))


def left_out(source: str, reason: str) -> float:
    return metrics().sources_left_out.labels(source, reason)._value.get()


def test_a_source_that_fails_or_is_late_is_left_out_and_counted(retrieval):
    several = with_sources(Listing("quick", (3, 1)), Broken(), Listing("slow", (2,), 5 * BUDGET))
    before = left_out("broken", "failed"), left_out("slow", "late")
    found = retrieval.found(several, VIEWER, MOMENT, EVERYTHING)
    assert set(found) == {"quick"}
    assert (left_out("broken", "failed"), left_out("slow", "late")) == (before[0] + 1, before[1] + 1)
    candidates = retrieval.chosen(several, found, EVERYTHING, np.zeros(ITEMS), NO_PLACES)
    assert candidates.sources == ("quick", "broken", "slow"), "the matrix keeps its columns"
    assert candidates.ranks[0].tolist() == pytest.approx([1, np.nan, np.nan], nan_ok=True)


def test_where_sources_propose_little_what_is_worth_most_fills_the_list(retrieval):
    several = with_sources(Listing("quick", (3, 1)))
    allowed, worth = EVERYTHING.copy(), np.array([5, 0, 7, 0, 6, 9, 1, 2.0])
    allowed[5] = False
    candidates = retrieval.chosen(several, retrieval.found(several, VIEWER, MOMENT, allowed), allowed, worth, NO_PLACES)
    assert candidates.places.tolist() == [3, 1, 2, 4, 0, 7, 6]
    assert candidates.ranks[:, 0].tolist() == pytest.approx([1, 2] + [np.nan] * 5, nan_ok=True)
    assert np.isnan(candidates.ranks[:, 1:]).all(), "sources that stepped aside keep their columns"
    assert candidates.features[:, -1].tolist() == [1, 1, 0, 0, 0, 0, 0]


def test_items_that_are_asked_for_anyway_stand_behind_with_what_sources_say(retrieval):
    several = with_sources(Listing("quick", (3, 1)))
    found = retrieval.found(several, VIEWER, MOMENT, EVERYTHING)
    only = np.zeros(ITEMS, bool)
    candidates = retrieval.chosen(several, found, only, np.zeros(ITEMS), np.array([6]))
    assert candidates.places.tolist() == [3, 1, 6]


def test_given_items_keep_their_order_and_nobody_knows_the_unknown(retrieval):
    several = with_sources(Listing("quick", (3, 1)), Listing("slow", (1,)))
    found = retrieval.found(several, VIEWER, MOMENT, EVERYTHING)
    candidates = retrieval.given(found, np.array([1, UNKNOWN, 0]))
    assert candidates.places.tolist() == [1, UNKNOWN, 0]
    assert candidates.ranks[0].tolist() == pytest.approx([2, np.nan, 1], nan_ok=True)
    assert np.isnan(candidates.ranks[1:]).all()
    assert candidates.features[:, -1].tolist() == [2, 0, 0]
