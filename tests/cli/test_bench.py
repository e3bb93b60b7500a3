"""`streamrank bench` for real at tiny sizes: one JSON object, all sides agree."""

import json
import subprocess
import sys

import pytest

KEYS = {"bench", "size", "ours", "stock", "limit", "vs_stock", "vs_limit", "agree"}


def bench(*words: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "bench", *words, "--json"], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    figure = json.loads(done.stdout)
    assert figure.keys() >= KEYS and figure["bench"] == words[0]
    return figure


def agreed(figure: dict) -> bool:
    return all(figure[side] is not None for side in ("ours", "stock", "limit")) and figure["agree"] is True


@pytest.mark.slow
def test_pit():
    figure = bench("pit", "--rows", "300", "--feature-rows", "12000", "--repeat", "1")
    assert agreed(figure) and agreed(figure["late_corrections"])
    assert figure["ours"].keys() == {"seconds", "peak_mb"} and figure["size"]["features"] == 30


def test_pit_of_ours_alone_streams_to_a_file(tmp_path):
    words = ("--rows", "2000", "--feature-rows", "12000", "--memory-limit", "500MB", "--folder", str(tmp_path))
    figure = bench("pit", *words)
    assert figure["agree"] is True and figure["stock"] is figure["limit"] is None
    assert list(tmp_path.glob("*-answer.parquet"))


@pytest.mark.slow
def test_online():
    figure = bench("online", "--items", "40", "--repeat", "20")
    assert agreed(figure) and agreed(figure["request"])
    assert figure["request"]["size"]["features"] == 40
    assert {"ours", "stock", "first_request"} <= figure["get_online_features"]["request"].keys()


@pytest.mark.slow
def test_materialize():
    figure = bench("materialize", "--keys", "500", "--stock-keys", "200", "--larger", "700")
    assert agreed(figure) and figure["larger"]["keys"] == 700
    assert figure["ours"]["keys_per_s"] > 0


@pytest.mark.slow
def test_retrieve():
    figure = bench("retrieve", "--items", "600", "--repeat", "10", "--skip-curve")
    assert figure["agree"] is True and figure["curve"] == {}
    assert {"p50_ms", "p95_ms", "cpu_p95_ms"} <= figure["ours"].keys() & figure["limit"].keys()
    assert {"als", "content", "again", "fresh", "trending"} <= figure["by_source"].keys()


@pytest.mark.slow
def test_rank():
    assert agreed(bench("rank", "--items", "30", "--repeat", "20"))


@pytest.mark.slow
def test_windows():
    sizes = ("--items", "40", "--repeat", "20", "--rows", "500", "--events", "5000", "--naive-rows", "200")
    figure = bench("windows", *sizes)
    assert figure["agree"] is True and figure["limit"]["p50_ms"] > 0 and figure["ours"]["bytes_a_key"] > 0
    assert figure["training"]["ours"]["seconds"] > 0 and figure["training"]["range_join_as_stock"]["agree"] is True


def test_help_names_the_benches_and_a_wrong_size_is_refused():
    shown = subprocess.run([sys.executable, "-m", "cli.main", "bench", "--help"], capture_output=True, text=True)
    assert all(name in shown.stdout for name in ("pit", "online", "materialize", "rank"))
    refused = subprocess.run(
        [sys.executable, "-m", "cli.main", "bench", "pit", "--rows", "0"], capture_output=True, text=True
    )
    assert refused.returncode == 2 and "--rows" in refused.stderr


@pytest.mark.slow
def test_recommend():
    figure = bench("recommend", "--items", "300", "--users", "60", "--events", "3000", "--repeat", "5")
    assert (figure["ours"]["items"], figure["ours"]["degraded"]) == (20, False)
    parts = {"read user", "read candidates", "stage retrieve", "stage rank", "stage rerank", "source als"}
    assert parts <= set(figure["parts_ms"])
