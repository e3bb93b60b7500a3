"""Any script over many keys, each with an argument."""

import pytest
from packed_values import column
from redis.exceptions import ResponseError
from servers import cluster_of_six

from streamrank.stores.connection import ConnectionOptions, connect

APPEND = b"""
local out = {}
for i = 1, #KEYS do out[i] = redis.call('APPEND', KEYS[i], ARGV[i] .. ARGV[#KEYS + 1]) end
return out
"""
KEYS = column([b"streamrank:p:%d" % number for number in range(200)])
ARGUMENTS = column([b"x" * (number % 7) for number in range(200)])
LENGTHS = [number % 7 + 1 for number in range(200)]


def flat(answers: list[list[int]]) -> list[int]:
    return [length for answer in answers for length in answer]


def test_each_key_meets_its_argument_and_what_comes_after_all(connection):
    answers = connection.run_script(APPEND, KEYS, ARGUMENTS, (b"!",))
    assert 1 < len(answers) < len(KEYS)
    assert flat(answers) == LENGTHS
    assert connection.fetch(KEYS).to_pylist() == [argument + b"!" for argument in ARGUMENTS.to_pylist()]


def test_a_cluster_answers_for_every_key_in_order(tmp_path):
    with cluster_of_six(tmp_path) as cluster:
        connection = connect(ConnectionOptions.parse(cluster.connection_string, "redis_cluster"))
        assert flat(connection.run_script(APPEND, KEYS, ARGUMENTS, (b"!",))) == LENGTHS
        connection.close()


def test_a_script_of_no_keys_asks_nothing(connection):
    assert connection.run_script(APPEND, column([]), column([])) == []


def test_large_arguments_go_in_several_calls(connection):
    answers = connection.run_script(APPEND, KEYS.slice(0, 8), column([b"y" * 100_000] * 8), (b"",))
    assert len(answers) > 1
    assert flat(answers) == [100_000] * 8


def test_a_script_that_fails_says_so(connection):
    with pytest.raises(ResponseError, match="cannot do EVALSHA"):
        connection.run_script(b"return redis.call('LPUSH', KEYS[1], redis.call('SET', KEYS[1], 1).ok)", KEYS, ARGUMENTS)
    with pytest.raises(ResponseError, match="compil"):
        connection.run_script(b"this is no script", KEYS, ARGUMENTS)


def test_an_argument_for_each_key(connection):
    with pytest.raises(ValueError, match="an argument for each of 200 keys, found 3"):
        connection.run_script(APPEND, KEYS, ARGUMENTS.slice(0, 3))
