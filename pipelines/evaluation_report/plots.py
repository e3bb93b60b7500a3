"""The plots of a report, each an SVG text to stand in a page; None where there is nothing to show."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

OURS, OTHER, SECOND = "#1b6ca8", "#b8c4cc", "#d9822b"
SAME_TEXT = {"svg.hashsalt": "streamrank", "font.size": 9}  # so that the same figures give the same file
Figures = Mapping[str, Mapping[str, Mapping[str, float | None]]]


def bars(scorers: Figures, measure: str) -> str | None:
    """One bar a scorer with its interval, the best on top."""
    known = {name: found[measure] for name, found in scorers.items() if found.get(measure, {}).get("mean") is not None}
    if not known:
        return None
    names = sorted(known, key=lambda name: known[name]["mean"])
    figure, axes = _axes(7.2, 0.8 + 0.26 * len(names))
    means = np.array([known[name]["mean"] for name in names])
    ends = np.array([[known[name]["low"], known[name]["high"]] for name in names]).T
    colours = [OURS if name == "ours" else OTHER for name in names]
    axes.barh(names, means, color=colours, xerr=np.abs(ends - means), ecolor="#444", capsize=2)
    axes.set_xlabel(f"{measure}, 95 % interval over users")
    return _svg(figure)


def stages(found: Figures, measures: Sequence[str]) -> str | None:
    """A panel a measure, a point a stage, with intervals: what each stage adds, and what it costs."""
    shown = [m for m in measures if all(values[m]["mean"] is not None for values in found.values())]
    if len(found) < 2 or not shown:
        return None
    figure = Figure(figsize=(2.4 * len(shown), 2.6), layout="constrained")
    for axes, measure in zip(np.atleast_1d(figure.subplots(1, len(shown))), shown, strict=True):
        _points(axes, list(found), [values[measure] for values in found.values()], OURS)
        axes.set_title(measure, fontsize=9)
        axes.tick_params(axis="x", rotation=30)
    return _svg(figure)


def by_history(parts: Sequence[Mapping], measure: str, scorers: Sequence[str]) -> str | None:
    """A line a scorer over how much was known of the user."""
    if len(parts) < 2:
        return None
    figure, axes = _axes(7.2, 3.0)
    for scorer, colour in zip(scorers, (OURS, SECOND, "#5b8c5a", "#8a6fb0"), strict=False):
        values = [part["metrics"][scorer][measure] for part in parts if scorer in part["metrics"]]
        if len(values) == len(parts):
            _points(axes, [part["acts"] for part in parts], values, colour, scorer)
    axes.set_xlabel("acts of the user that were known")
    axes.set_ylabel(measure)
    axes.legend(frameon=False)
    return _svg(figure)


def spread(scorers: Figures) -> str | None:
    """How much of the catalogue lists show against how surprising they are."""
    known = {n: f for n, f in scorers.items() if f["novelty@10"]["mean"] is not None and f["coverage@10"]["mean"]}
    if not known:
        return None
    figure, axes = _axes(7.2, 3.4)
    for name, found in known.items():
        point = found["novelty@10"]["mean"], found["coverage@10"]["mean"]
        axes.plot(*point, "o", color=OURS if name == "ours" else OTHER)
        axes.annotate(name, point, xytext=(4, 3), textcoords="offset points", fontsize=8)
    axes.set_xlabel("novelty@10, bits")
    axes.set_ylabel("coverage@10")
    return _svg(figure)


def calibration(deciles: Sequence[Mapping]) -> str | None:
    """The rate of positives by what was foretold of them, where the score is a chance, else by the score's tenth."""
    if not deciles:
        return None
    figure, axes = _axes(4.6, 3.4)
    foretold, found = ([part[name] for part in deciles] for name in ("foretold", "found"))
    axes.plot(foretold, found, "o-", color=OURS)
    ends = [min(foretold + found), max(foretold + found)]
    axes.plot(ends, ends, ":", color="#888")
    axes.set_xlabel("foretold rate of positives, ten equal parts")
    axes.set_ylabel("rate found")
    return _svg(figure)


def _points(axes: Axes, names: list[str], values: list[Mapping], colour: str, label: str | None = None) -> None:
    means = np.array([np.nan if v["mean"] is None else v["mean"] for v in values], np.float64)
    low, high = (
        np.array([np.nan if v[end] is None else v[end] for v in values], np.float64) for end in ("low", "high")
    )
    axes.errorbar(
        names, means, yerr=np.abs([means - low, high - means]), fmt="o-", color=colour, capsize=3, label=label
    )


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _svg(figure: Figure) -> str:
    """The figure as an <svg> element."""
    text = io.StringIO()
    with rc_context(SAME_TEXT):
        figure.savefig(text, format="svg", metadata={"Date": None})
    found = text.getvalue()
    return found[found.index("<svg") :]
