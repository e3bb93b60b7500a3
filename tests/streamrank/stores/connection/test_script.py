"""The compare-and-set: by (event timestamp, created) as 64-bit integers, whatever the order or number of writers."""

import itertools
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from packed_values import column, keys, ones, value, values
from servers import wait_until

EDGES = [-(2**63), -(2**53) - 1, -(2**32), -1, 0, 1, 2**31 - 1, 2**32 - 1, 2**32, 2**53, 2**53 + 1, 2**63 - 1]
stamps = st.sampled_from(EDGES) | st.integers(-(2**63), 2**63 - 1)
numbers = itertools.count()


@given(st.lists(st.tuples(stamps, stamps), min_size=1, max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
def test_rows_of_one_key_are_taken_in_order_and_never_by_an_older_one(connection, history):
    key = column([b"streamrank:p:v:%d" % next(numbers)])
    expected, held = [], None
    for row, stamp in enumerate(history):
        stored = held is None or stamp >= held[0]
        held = (stamp, row) if stored else held
        expected.append(int(stored))
    rows = column([value(event, created, b"row %d" % row) for row, (event, created) in enumerate(history)])
    assert connection.put(column(key.to_pylist() * len(history)), rows).tolist() == expected
    assert connection.fetch(key)[0].as_py() == rows[held[1]].as_py()


@pytest.mark.parametrize("position", [0, 1])
def test_neighbours_are_told_apart_at_every_edge(connection, position):
    for number, edge in enumerate(edge for edge in EDGES if edge < 2**63 - 1):
        older, newer = ((edge, 0), (edge + 1, 0)) if position == 0 else ((5, edge), (5, edge + 1))
        key = keys(1, start=number)
        assert connection.put(key, column([value(*newer)])).tolist() == [1]
        assert connection.put(key, column([value(*older)])).tolist() == [0]
        assert connection.put(key, column([value(*newer, b"equal replaces")])).tolist() == [1]


def test_concurrent_writers_end_at_the_greatest(connection):
    asked, rounds, writers = keys(60), 25, 4

    def write(seed: int) -> list[tuple[int, int]]:
        chance, greatest = random.Random(seed), [(0, 0)] * len(asked)
        for _ in range(rounds):
            drawn = [(chance.randrange(2**60, 2**60 + 9), chance.randrange(9)) for _ in range(len(asked))]
            connection.put(asked, column([value(*stamp, b"%d %d" % stamp) for stamp in drawn]))
            greatest = [max(pair) for pair in zip(greatest, drawn, strict=True)]
        return greatest

    with ThreadPoolExecutor(writers) as pool:
        greatest = [max(stamps) for stamps in zip(*pool.map(write, range(writers)), strict=True)]
    assert connection.fetch(asked).to_pylist() == [value(*stamp, b"%d %d" % stamp) for stamp in greatest]


def test_what_is_no_row_is_replaced(connection, server):
    server.client().set(keys(1)[0].as_py(), b"torn")
    assert connection.put(keys(1), values(keys(1))).tolist() == [1]


def test_a_server_that_forgets_the_script_midway_is_told_it_again(connection, server):
    asked = keys(30_000)

    def forget() -> None:
        client = server.client()
        wait_until(lambda: client.dbsize() > 100, "the first rows")
        client.script_flush()

    thread = threading.Thread(target=forget)
    thread.start()
    assert connection.put(asked, values(asked)).tolist() == ones(30_000)
    thread.join()
    assert connection.fetch(asked).equals(values(asked))
