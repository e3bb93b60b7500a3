"""An evaluation as one HTML file that needs no other: tables, plots, and what a reader must know of the figures."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from pipelines.evaluation_report import plots
from pipelines.evaluation_report.parts import alone, apart

MEASURES = (
    "ndcg@10", "map@10", "hit@1", "hit@5", "hit@10", "recall@20", "precision@10", "mrr", "auc", "user_auc",
    "coverage@10", "topics@10", "popularity@10", "novelty@10",
)  # fmt: skip
OF_WANTED = MEASURES[:10]
OF_STAGES = ("ndcg@10", "recall@20", "coverage@10", "topics@10", "novelty@10")
STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; color: #223; }
table { border-collapse: collapse; margin: .6rem 0 1.4rem; } th, td { padding: .25rem .6rem; text-align: right; }
th:first-child, td:first-child { text-align: left; } tr { border-bottom: 1px solid #e4e8ec; }
tr.ours { font-weight: 600; background: #eef5fb; } small { display: block; color: #778; font-weight: 400; }
h2 { margin-top: 2.2rem; } figure { margin: 0 0 1rem; overflow-x: auto; } .wide { overflow-x: auto; }
"""


def write(result: Mapping, path: Path) -> None:
    """Writes the page of what `pipelines.protocols.running.run` found."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(page(result), encoding="utf-8")
    partial.replace(path)


def page(result: Mapping) -> str:
    """The whole page as text."""
    title = f"{result['dataset']}: {result['protocol']}"
    parts = [_facts(result), _scorers(result), _stages(result), _histories(result), _lists(result)]
    parts += [_calibration(result), _apart(result), _ablations(result), _off_policy(result), _chosen(result)]
    body = "\n".join(part for part in parts if part)
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{escape(title)}</title>"
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )


def _facts(result: Mapping) -> str:
    told = [f"evaluated at {result['evaluated_at']}"]
    if "questions" in result:
        told.append(f"{result['questions']:,} questions of {result['users']:,} users, {result['items']:,} items")
        told.append(f"on air: {result['on air']}")
        told.append("seen items may be wanted again" if result["repeats"]["count"] else "seen items leave")
    told += [f"sampled: {what}, {how}" for what, how in result.get("sampled", {}).items()] + list(
        result.get("notes", ())
    )
    told += alone(result) + [f"left out: {count:,} {what}" for what, count in result.get("left out", {}).items()]
    told += [f"aside: {what}: {why}" for what, why in result.get("aside", {}).items()]
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in told) + "</ul>"


def _scorers(result: Mapping) -> str:
    found = result["metrics"]
    return f"<h2>Beside what it must beat</h2>{_figure(plots.bars(found, 'ndcg@10'))}{_table(found, MEASURES)}"


def _stages(result: Mapping) -> str:
    if not (found := result.get("stages")):
        return ""
    return f"<h2>Stage by stage</h2>{_figure(plots.stages(found, OF_STAGES))}{_table(found, MEASURES)}"


def _histories(result: Mapping) -> str:
    parts = result.get("by history", [])
    drawn = plots.by_history(parts, "ndcg@10", ["ours", "popularity", "recent popularity", "most often"])
    if not drawn:
        return ""
    counts = ", ".join(f"{part['acts']} acts: {part['questions']:,}" for part in parts)
    return f"<h2>By how much was known of the user</h2>{_figure(drawn)}<p>Questions: {escape(counts)}.</p>"


def _lists(result: Mapping) -> str:
    drawn = plots.spread(result["metrics"])
    return f"<h2>What the lists are like</h2>{_figure(drawn)}" if drawn else ""


def _calibration(result: Mapping) -> str:
    drawn = plots.calibration(result.get("calibration", ()))
    return f"<h2>Calibration</h2>{_figure(drawn)}" if drawn else ""


def _apart(result: Mapping) -> str:
    tables = "".join(
        f"<h3>{name}: {part['questions']:,} questions</h3>{_table(part['metrics'], OF_WANTED)}"
        for name, part in apart(result)
    )
    return f"<h2>Apart</h2>{tables}" if tables else ""


def _ablations(result: Mapping) -> str:
    found = result.get("ablations")
    return f"<h2>With something left out</h2>{_table(found, OF_WANTED)}" if found else ""


def _off_policy(result: Mapping) -> str:
    found = result.get("off policy")
    return f"<h2>From logged propensities</h2><pre>{escape(json.dumps(found, indent=1))}</pre>" if found else ""


def _chosen(result: Mapping) -> str:
    found = result.get("chosen")
    return f"<h2>What validation chose</h2><pre>{escape(json.dumps(found, indent=1))}</pre>" if found else ""


def _table(scorers: Mapping[str, Mapping], measures: Sequence[str]) -> str:
    """One row a scorer, the interval below each mean."""
    shown = [measure for measure in measures if any(measure in found for found in scorers.values())]
    head = "".join(f"<th>{measure}</th>" for measure in ("", *shown))
    rows = "".join(
        f"<tr class='{'ours' if name == 'ours' else ''}'><td>{escape(name)}</td>"
        + "".join(f"<td>{_cell(found.get(measure))}</td>" for measure in shown)
        + "</tr>"
        for name, found in scorers.items()
    )
    return f"<div class='wide'><table><tr>{head}</tr>{rows}</table></div>"


def _cell(value: Mapping | None) -> str:
    if not value or value["mean"] is None:
        return "&ndash;"
    return f"{value['mean']:.3f}<small>{value['low']:.3f} to {value['high']:.3f}</small>"


def _figure(svg: str | None) -> str:
    return f"<figure>{svg}</figure>" if svg else ""
