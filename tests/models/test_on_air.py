"""What can be watched at an instant."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.schema import ITEMS
from models.interactions import Interactions
from models.items import Items
from models.on_air import OnAir, Spells
from streamrank.clock import HOUR


def items_of(*times: tuple[int | None, int | None]) -> Items:
    rows = [{"item_id": f"i{n}", "available_from": a, "available_until": b} for n, (a, b) in enumerate(times)]
    return Items(pa.Table.from_pylist(rows, ITEMS))


def acts_of(*rows: tuple[int, int]) -> Interactions:
    """Rows of item and time."""
    items, times = (np.array([row[n] for row in rows], np.int64) for n in range(2))
    one = np.ones(len(rows), np.float32)
    ids = np.array(["u"], object), np.array([f"i{n}" for n in range(3)], object)
    return Interactions(np.zeros(len(rows), np.int32), items.astype(np.int32), times, one, one, one, *ids)


NO_ACTS = acts_of()


@pytest.mark.parametrize(("instant", "on"), [(4, [0, 0, 1]), (5, [1, 0, 1]), (9, [1, 0, 1]), (10, [0, 1, 1])])
def test_items_are_on_air_from_their_begin_to_before_their_end_and_without_times_always(instant, on):
    items = items_of((5, 10), (10, None), (None, None))
    assert OnAir().at(instant, items, NO_ACTS).tolist() == [bool(each) for each in on]


def test_an_item_that_was_started_is_on_air_in_its_spells_only():
    items = items_of((1, None), (None, None))
    spells = Spells(np.array([0, 0]), np.array([5, 20]), np.array([10, 30]))
    on = [OnAir().at(instant, items, NO_ACTS, spells)[0] for instant in (2, 5, 9, 10, 20, 30)]
    assert on == [False, True, True, False, True, False]
    assert OnAir().at(2, items, NO_ACTS, spells)[1]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 50)), max_size=20), st.integers(0, 60), st.integers(1, 9))
def test_by_hours_an_item_is_on_air_while_the_last_act_on_it_is_younger(rows, instant, hours):
    rows = sorted((item, hour * HOUR) for item, hour in rows)
    acts = acts_of(*sorted(rows, key=lambda row: row[1]))
    found = OnAir(float(hours)).at(instant * HOUR, items_of(*[(None, None)] * 3), acts)
    for item in range(3):
        ages = [instant * HOUR - time for of, time in rows if of == item and time < instant * HOUR]
        assert found[item] == any(age <= hours * HOUR for age in ages)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 50)), max_size=20), st.integers(0, 60), st.integers(1, 9))
def test_of_the_past_it_is_known_too_who_came_just_after(rows, instant, hours):
    acts = acts_of(*sorted(((item, hour * HOUR) for item, hour in rows), key=lambda row: row[1]))
    found = OnAir(float(hours), afterwards=2.0).at(instant * HOUR, items_of(*[(None, None)] * 3), acts)
    for item in range(3):
        assert found[item] == any(-hours <= time - instant < 2 * hours for of, time in rows if of == item)
