import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from protocol_worlds import acts_of

from pipelines.protocols.visits import repeats_count, visits

rows = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 20)), min_size=1, max_size=30)


@given(rows, st.integers(1, 6))
def test_an_act_begins_a_visit_unless_the_last_one_on_the_item_is_near(acts, gap):
    found = acts_of(*zip(*acts, strict=True))
    told, last = visits(found, gap), {}
    for row, key in enumerate(zip(found.users.tolist(), found.items.tolist(), strict=True)):
        near = key in last and found.times[row] - last[key] < gap
        assert told.begins[row] == (not near)
        assert told.again[row] == (key in last and not near)
        last[key] = found.times[row]


def test_repeats_count_where_a_tenth_of_the_visits_return_or_it_is_said():
    returning = visits(acts_of([0] * 9, [0, 1, 2, 3, 4, 5, 6, 7, 0], range(9)), 1)
    once = visits(acts_of([0] * 9, range(9), range(9)), 1)
    assert repeats_count(returning, None) and not repeats_count(returning, False)
    assert not repeats_count(once, None) and repeats_count(once, True)
    np.testing.assert_allclose(returning.share_again, 1 / 9)
