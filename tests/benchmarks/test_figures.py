"""The JSON object of a bench, and its table."""

import pytest
from rich.console import Console

from benchmarks.figures import Figure, ratio
from benchmarks.tables import comparisons, table

FAST, SLOW = {"seconds": 0.5, "peak_mb": 100.0}, {"seconds": 20.0, "peak_mb": 800.0}


def test_ratios_say_how_much_faster_than_stock_and_slower_than_the_limit():
    shown = Figure("pit", {"rows": 10}, FAST, SLOW, {"seconds": 0.4, "peak_mb": 90.0}, True).as_dict()
    assert shown["vs_stock"] == 40.0 and shown["vs_limit"] == 1.25
    assert list(shown) == ["bench", "size", "ours", "stock", "limit", "vs_stock", "vs_limit", "agree"]


def test_a_side_that_was_not_run_is_null():
    shown = Figure("pit", {"rows": 10}, FAST, None, None, None).as_dict()
    assert shown["stock"] is shown["vs_stock"] is shown["vs_limit"] is shown["agree"] is None


def test_sides_of_different_sizes_are_compared_by_their_rates():
    stock, ours = {"seconds": 5.0, "keys_per_s": 5_000.0}, {"seconds": 8.0, "keys_per_s": 125_000.0}
    assert ratio(stock, ours) == 25.0


def test_sides_without_a_common_measure_cannot_be_compared():
    with pytest.raises(ValueError):
        ratio({"seconds": 1.0}, {"p50_ms": 1.0})


def test_the_table_has_a_line_for_each_variant():
    inner = Figure("pit", {"rows": 10}, FAST, SLOW, None, False)
    figure = Figure("pit", {"rows": 10}, FAST, SLOW, None, True, {"late_corrections": inner.variant()})
    names = [name for name, _ in comparisons("", figure.as_dict())]
    assert names == ["", "late corrections"]
    console = Console(record=True, width=160)
    console.print(table(figure.as_dict()))
    assert "40.00" in console.export_text(clear=False) and "NO" in console.export_text()
