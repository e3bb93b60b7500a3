"""Whole columns become the same bytes that redis-py makes one by one."""

import hypothesis.strategies as st
import pytest
from hypothesis import given
from packed_values import column
from redis.connection import PythonRespSerializer
from redis.crc import key_slot

from streamrank.stores.connection import wire
from streamrank.stores.connection.requests import Fetch
from streamrank.stores.connection.slots import slots

words = st.lists(st.binary(max_size=200), min_size=1, max_size=30)
tagged = st.lists(st.text("{}ab", max_size=9).map(str.encode) | st.binary(max_size=40), max_size=30)


def packed(*command: bytes) -> bytes:
    return b"".join(PythonRespSerializer(6000, lambda word: word).pack(*command))


@given(words)
def test_a_read_of_many_keys_is_one_mget(keys):
    assert Fetch(column(keys)).many(0, len(keys)) == packed(b"MGET", *keys)


@given(words)
def test_a_command_a_row_is_a_get_each(keys):
    assert Fetch(column(keys)).each().to_pylist() == [packed(b"GET", key) for key in keys]


@given(words, st.integers(0, 29), st.integers(0, 29))
def test_a_slice_of_a_column_is_itself(keys, start, stop):
    part = column(keys)[start:stop]
    assert wire.bulk(part).to_pylist() == [b"$%d\r\n%b\r\n" % (len(key), key) for key in keys[start:stop]]
    assert wire.span(part, 0, len(part)).tobytes() == b"".join(keys[start:stop])


@given(tagged)
def test_a_key_s_slot_is_the_cluster_s(keys):
    assert slots(column(keys)).tolist() == [key_slot(key) for key in keys]


def test_a_null_key_is_refused():
    with pytest.raises(ValueError, match="1 of 2"):
        wire.bulk(column([b"a", None]))
