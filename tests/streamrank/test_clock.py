"""The injected clock."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamrank import clock


@given(st.datetimes(min_value=datetime(1800, 1, 1), max_value=datetime(2200, 1, 1)))
def test_microseconds_are_exact_and_come_back(moment):
    with clock.use(clock.VirtualClock(clock.microseconds(moment))):
        assert clock.now() == moment.replace(tzinfo=UTC)


def test_zones_are_brought_to_utc():
    east = timezone(timedelta(hours=8))
    assert clock.microseconds(datetime(1970, 1, 1, 8, tzinfo=east)) == 0


def test_a_virtual_clock_stands_moves_forward_and_never_back():
    with clock.use(clock.VirtualClock(5)) as virtual:
        assert clock.now_us() == 5
        virtual.advance_to(9)
        assert clock.now_us() == 9
        with pytest.raises(ValueError, match="cannot go back"):
            virtual.advance_to(8)
    assert clock.now_us() > 9
