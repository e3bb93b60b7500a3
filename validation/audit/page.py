"""The audit as one HTML page that needs nothing else: the verdict, a row a feature, how fresh values were, examples."""

import os
from html import escape
from pathlib import Path

from validation.audit.compare import Counts
from validation.audit.report import Report

COLUMNS = ("compared", "equal", "nonzero", "mismatched", "missing", "in_flight")
WORDS = {
    "rows": "row",
    "windows": "window",
    "acts": "latest acts",
    "derived": "derived",
    "unknown": "unknown to the service",
}


def write_page(report: Report, path: Path) -> None:
    """Writes the page to `path`; it appears whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(page(report), encoding="utf-8")
    os.replace(partial, path)


def page(report: Report) -> str:
    """The page as text."""
    verdict = "Served values are what they are offline" if report.sound else "Served values differ from offline"
    if not report.total("compared"):
        verdict = "Nothing was compared"
    parts = [
        f"<h1 class={'good' if report.sound else 'bad'}>{verdict}</h1>",
        f"<p>{_about(report)}</p>",
        _tiles(report),
        "<h2>By feature</h2>",
        _features(report),
        "<h2>Freshness</h2>",
        _freshness(report),
        "<h2>Examples</h2>",
        _examples(report),
    ]
    title = f"Skew audit of {escape(report.dataset)}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>\n' + "\n".join(parts) + "</html>\n"
    )


def _about(report: Report) -> str:
    asked = f"asked from {report.first} to {report.last}" if report.first else "no rows"
    sample = "" if report.sample >= 1 else f", a sample of {report.sample:.1%} of requests"
    return escape(
        f"{report.dataset}, service {report.service}: {report.rows:,} rows of {report.requests:,} requests, {asked}"
        f"{sample}; {report.fallbacks:,} rows without features left out. Audited at {report.audited_at} in "
        f"{report.seconds:.1f} s. Each value was made again offline from the rows and log positions recorded with it, "
        f"and compared bit by bit."
    )


def _tiles(report: Report) -> str:
    tiles = [(name.replace("_", " "), f"{report.total(name):,}") for name in COLUMNS]
    return "<div class=tiles>" + "".join(f"<div><b>{value}</b>{name}</div>" for name, value in tiles) + "</div>"


def _features(report: Report) -> str:
    heads = ["feature", "view", "made of", *(name.replace("_", " ") for name in COLUMNS), "largest difference", ""]
    body = "".join(_row(name, counts) for name, counts in report.features.items())
    return _table(heads, body)


def _row(name: str, counts: Counts) -> str:
    bad = counts.mismatched or counts.missing
    numbers = "".join(f"<td class=n>{getattr(counts, column):,}</td>" for column in COLUMNS)
    shares = [
        (counts.nonzero, "full"), (counts.compared - counts.nonzero - counts.mismatched - counts.missing, "empty"),
        (counts.mismatched + counts.missing, "wrong"), (counts.in_flight, "flight"),
    ]  # fmt: skip
    return (
        f"<tr{' class=wrong' if bad else ''}><td>{escape(name)}</td><td>{escape(counts.view)}</td>"
        f"<td>{WORDS[counts.kind]}</td>{numbers}<td class=n>{counts.largest_difference:g}</td>"
        f"<td>{_bar(shares)}</td></tr>"
    )


def _freshness(report: Report) -> str:
    asked, stale = report.total("asked"), report.total("stale")
    if not asked:
        return "<p>Not asked.</p>"
    share = stale / asked
    body = "".join(
        f"<tr><td>{escape(name)}</td><td class=n>{counts.asked:,}</td><td class=n>{counts.stale:,}</td>"
        f"<td class=n>{counts.stale / counts.asked:.2%}</td>"
        f"<td>{_bar([(counts.stale, 'stale'), (counts.asked - counts.stale, 'empty')])}</td></tr>"
        for name, counts in sorted(report.features.items(), key=lambda each: -each[1].stale)
        if counts.asked
    )
    return (
        f"<p>{stale:,} of {asked:,} values ({share:.2%}) differ from what was known at the very instant of the "
        f"request, as a training row would have it: events that were on their way, or rows not materialized yet. That "
        f"is no fault of either side, and says how fresh the service was.</p>"
        + _table(["feature", "asked", "differ", "share", ""], body)
    )


def _examples(report: Report) -> str:
    found = [example for counts in report.features.values() for example in counts.examples]
    if not found:
        return "<p>None: nothing differs.</p>"
    heads = list(dict.fromkeys(name for example in found for name in example))
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_text(example.get(name, '')))}</td>" for name in heads) + "</tr>"
        for example in found
    )
    return _table(heads, body)


def _text(value: object) -> str:
    return "missing" if value is None else str(value)


def _bar(shares: list[tuple[int, str]]) -> str:
    whole = sum(count for count, _ in shares) or 1
    return (
        "<div class=bar>"
        + "".join(
            f"<i class={kind} style='width:{100 * count / whole:.2f}%'></i>" for count, kind in shares if count > 0
        )
        + "</div>"
    )


def _table(heads: list[str], body: str) -> str:
    return f"<table><thead><tr>{''.join(f'<th>{escape(head)}</th>' for head in heads)}</tr></thead>{body}</table>"


STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; color: #1d2430 }
h1.good { color: #17693a } h1.bad { color: #a3171c }
.tiles { display: flex; flex-wrap: wrap; gap: 1rem }
.tiles div { background: #f2f4f7; border-radius: 6px; padding: .6rem 1rem; min-width: 7rem }
.tiles b { display: block; font-size: 1.4rem }
table { border-collapse: collapse; width: 100% } th, td { padding: .2rem .5rem; text-align: left; white-space: nowrap }
th { position: sticky; top: 0; background: #fff; border-bottom: 1px solid #99a } td { border-bottom: 1px solid #e4e7ec }
.n { text-align: right; font-variant-numeric: tabular-nums } tr.wrong td { background: #fdecec }
.bar { display: flex; width: 9rem; height: .7rem; background: #e4e7ec } .bar i { height: 100% }
.full { background: #2f7d57 } .empty { background: #c9d8d0 } .wrong { background: #c62f36 }
.flight { background: #d9a441 } .stale { background: #d9a441 }
"""
