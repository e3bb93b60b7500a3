"""A side runs in a process of its own: its answer comes back, its memory is its own, and its failure is told."""

import os

import numpy as np
import pytest

from benchmarks.sides import SideFailed, run
from benchmarks.spent import latencies, repeated, spending

HERE = "benchmarks_sides_for_tests"


@pytest.fixture
def side(tmp_path, monkeypatch):
    """A module that sides can be taken from."""
    (tmp_path / f"{HERE}.py").write_text(
        "import os, sys\n"
        "def echo(side, number): print('noise'); return {'side': side, 'number': number, 'pid': os.getpid()}\n"
        "def fail(): print('what happened', file=sys.stderr); raise ValueError('the reason')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_the_answer_comes_from_another_process(side):
    answer = run(f"{HERE}:echo", side="ours", number=3)
    assert (answer["side"], answer["number"]) == ("ours", 3)
    assert answer["pid"] != os.getpid()


def test_a_failure_is_told_with_its_last_words(side):
    with pytest.raises(SideFailed, match="the reason"):
        run(f"{HERE}:fail")


def test_the_peak_is_of_the_block_alone():
    before = np.ones(30_000_000)
    del before
    with spending() as small:
        pass
    with spending() as large:
        np.ones(30_000_000)
    assert large.peak_mb - small.peak_mb > 150


def test_repeats_give_the_last_answer_and_latencies_their_percentiles():
    runs = iter(range(3))
    answer, spent = repeated(lambda: next(runs), 3)
    assert answer == 2 and spent.figures().keys() == {"seconds", "peak_mb"}
    calls = []
    assert latencies(calls.append, 10, warm=2).keys() == {"p50_ms", "p99_ms"}
    assert len(calls) == 12
