"""Evaluations as tables: every figure whole in 80 columns, and no table that says again what another said."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cli.evaluation_tables import print_tables
from cli.figure_tables import print_figures, with_interval
from pipelines.evaluation_report.page import page

MEASURES = ("ndcg@10", "map@10", "hit@1", "hit@10", "recall@20", "coverage@10", "topics@10", "novelty@10")
COMPARED = ("ndcg@10", "recall@20", "map@10", "auc", "auc per user")


def interval(mean: float, around: float = 0.015) -> dict:
    return {"mean": mean, "low": mean - around, "high": mean + around}


def figures(*scorers: str) -> dict:
    return {who: {what: interval(10.125 if what == "topics@10" else 0.5) for what in MEASURES} for who in scorers}


def of_a_protocol(**parts: dict) -> dict:
    there = {"questions": 9, "wanted": 9, "metrics": figures("ours")}
    nothing = {"questions": 0, "wanted": 0}
    return {
        "dataset": "d", "protocol": "leave-one-out", "metrics": figures("ours", "topics of interest"),
        "stages": figures("retrieval", "+ exploration"), "questions": 9, "users": 9, "items": 30, "on air": "always",
        "repeats": {"count": False, "share of visits": 0.0}, "sampled": {}, "notes": [], "evaluated_at": "now",
        "cold users": nothing, "known users": there, "cold items": there, "known items": there, **parts,
    }  # fmt: skip


def compared(name: str, rows: int, scorers: tuple[str, ...] = ("ranker", "topics of interest")) -> dict:
    of_one = {what: interval(1.0) for what in COMPARED} | {"coverage@10": 1.0}
    return {
        "name": name, "tested": 5, "requests": 5, "telling": 5, "rows": rows, "positives": 7,
        "scorers": dict.fromkeys(scorers, of_one),
        "differences": {who: {what: interval(-0.01) for what in COMPARED[:3]} for who in scorers[1:]},
    }  # fmt: skip


def of_the_trained(*tables: dict) -> dict:
    return {"dataset": "d", "tables": list(tables), "left out": {}, "aside": {}}


@pytest.fixture
def printed(capsys):
    """What `print_tables` prints where nobody has said how wide the terminal is."""

    def of(result: dict) -> str:
        capsys.readouterr()
        print_tables(result)
        return capsys.readouterr().out

    return of


@pytest.mark.parametrize("result", [of_a_protocol(), of_the_trained(compared("all", 20), compared("warm", 12))])
def test_tables_stay_within_80_columns_and_cut_nothing(printed, result, monkeypatch):
    for width in (None, "40", "200"):
        monkeypatch.setenv("COLUMNS", width) if width else monkeypatch.delenv("COLUMNS", raising=False)
        out = printed(result)
        assert "…" not in out and max(len(line.rstrip()) for line in out.splitlines()) <= 82
        assert all(measure in out for measure in ("ndcg@10", "recall@20", "map@10", "coverage"))


def test_a_figure_of_ten_and_more_keeps_its_digits(printed):
    assert "10.110 10.140" in printed(of_a_protocol())


@given(
    st.lists(st.floats(-99, 99), min_size=1, max_size=8),
    st.lists(st.text("abc de", min_size=1), min_size=1, max_size=3),
)
def test_every_number_of_every_cell_is_printed_whole(numbers, names):
    import io

    rows = [f"{place}{name}" for place, name in enumerate(names)]
    columns = {f"measure {place}": interval(number) for place, number in enumerate(numbers)}
    out = io.StringIO()
    print_figures(
        Console(file=out), "t", rows, list(columns), lambda who, what: with_interval(columns[what], sign=True)
    )
    assert max(map(len, out.getvalue().splitlines())) <= 80
    found = [float(number) for number in re.findall(r"[+-]\d*\.\d{3}", out.getvalue())]
    wanted = [round(value[end], 3) for value in columns.values() for end in ("mean", "low", "high")]
    assert sorted(found) == pytest.approx(sorted(wanted * len(rows)))


def test_a_part_that_is_the_whole_is_told_in_a_line_not_a_table(printed):
    out = printed(of_a_protocol())
    assert "known users:" not in out and "cold users: none, so that known users are all of the above" in out
    assert "cold items: 9 questions" in out and "known items: 9 questions" in out
    assert "<h3>known users" not in page(of_a_protocol()) and "<h3>known items" in page(of_a_protocol())


def test_requests_that_are_all_of_them_are_compared_once(printed):
    out = printed(of_the_trained(compared("all", 20), compared("warm", 20)))
    assert (
        out.count("paired by request") == 1 and "users known from an earlier day (step): all requests, as above" in out
    )


def test_a_ranker_without_others_beside_it_is_shown_alone(printed):
    out = printed(of_the_trained(compared("warm", 5, scorers=("ranker",))))
    assert "ranker" in out and "minus" not in out
