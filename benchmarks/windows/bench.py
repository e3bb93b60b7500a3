"""`streamrank bench windows`: the read of a request's windowed features, and a training set of them from the log."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks import sides
from benchmarks.agreement import same
from benchmarks.figures import Figure, Numbers
from benchmarks.progress import Progress, silent
from benchmarks.server import private_valkey
from benchmarks.workplace import workplace

WORLD, TRAINING = "benchmarks.windows.world:write", "benchmarks.windows.training"
LIVE, READS = "benchmarks.windows.live", "benchmarks.windows.reads"
SCALING = [(1_000_000, 10_000_000), (3_000_000, 10_000_000), (1_000_000, 30_000_000), (3_000_000, 30_000_000)]


@dataclass(frozen=True)
class Sizes:
    """items: of one request. repeat: requests a side. rows, events: of the training set. naive_rows: those of its rows
    that the range join gets. log_items: with events and rows."""

    items: int = 1_000
    repeat: int = 500
    rows: int = 1_000_000
    events: int = 10_000_000
    naive_rows: int = 100_000
    log_items: int = 2_000
    memory_limit: str = "4GB"
    threads: int = 2


def bench(sizes: Sizes, folder: Path | None = None, progress: Progress = silent) -> Figure:
    """The figure is the read's; the training set stands inside it."""
    with workplace(folder) as place:
        read = _reading(sizes, place / "live", progress)
        training = _training(sizes, place / "training", progress)
    agree = bool(read.agree and training.agree)
    return replace(read, agree=agree, more={**read.more, "training": training.variant()})


def scaling(sizes: Sizes, folder: Path | None = None, progress: Progress = silent) -> Figure:
    """Training sets of ours over 10 and 30 million events x 1 and 3 million rows; the last is the figure."""
    table: list[Numbers] = []
    with workplace(folder) as place:
        for rows, events in SCALING:
            last = _checked(replace(sizes, rows=rows, events=events), place / f"{rows}-{events}", progress)
            table.append({**last.size, **last.ours, "agree": last.agree})
    return replace(last, agree=all(row["agree"] for row in table), more={"scaling": table})


def _reading(sizes: Sizes, place: Path, progress: Progress) -> Figure:
    """Ours beside a bare MGET of dense tiles and numpy."""
    with progress(f"windows: events of {2 * sizes.items:,} busy items"):
        size = sides.run(f"{LIVE}:write", folder=place, items=sizes.items) | {"repeat": sizes.repeat}
    with private_valkey(place / "valkey") as port:
        with progress("windows: filling the server"):
            held = {side: sides.run(f"{LIVE}:{fill}", folder=place, port=port)
                    for side, fill in (("ours", "fill"), ("limit", "fill_raw"))}  # fmt: skip
        spent = {}
        for side, read in (("limit", "mget"), ("ours", "reader")):
            with progress(f"windows: {side} reads {sizes.items:,} items"):
                ask = {"folder": place, "port": port, "items": sizes.items, "times": sizes.repeat}
                spent[side] = sides.run(f"{READS}:{read}", **ask, answers=place / f"{side}.npy") | held[side]
    agree = same(np.load(place / "ours.npy"), np.load(place / "limit.npy"))
    return Figure("windows", size, spent["ours"], None, spent["limit"], agree)


def _training(sizes: Sizes, place: Path, progress: Progress) -> Figure:
    """All rows by ours, 1,000 looked up; and its variant beside the range join, which takes stock's place."""
    whole = _checked(sizes, place, progress)
    beside = _beside(sizes, place, progress)
    agree = bool(whole.agree and beside.agree)
    return replace(whole, agree=agree, more={"range_join_as_stock": beside.variant()})


def _checked(sizes: Sizes, place: Path, progress: Progress) -> Figure:
    with progress(f"windows: generating {sizes.events:,} events"):
        size = sides.run(WORLD, folder=place, rows=sizes.rows, events=sizes.events, items=sizes.log_items)
    size |= {"memory_limit": sizes.memory_limit, "threads": sizes.threads}
    answer = place / "ours-answer.parquet"
    ours = _ours(sizes, place, answer, progress)
    with progress("windows: looking 1,000 of the rows up"):
        agree = sides.run(f"{TRAINING}:looked_up", folder=place, answer=answer)
    return Figure("windows", size, ours, None, None, agree)


def _beside(sizes: Sizes, place: Path, progress: Progress) -> Figure:
    size = {"rows": sizes.naive_rows, "events": sizes.events}
    ours, naive = (place / f"{side}-few-answer.parquet" for side in ("ours", "range_join"))
    few = _ours(sizes, place, ours, progress, sizes.naive_rows)
    with progress(f"windows: a range join on {sizes.naive_rows:,} rows"):
        spent = sides.run(f"{TRAINING}:range_join", answer=naive, rows=sizes.naive_rows, **_limits(sizes, place))
    agree = sides.run(f"{TRAINING}:agreed", one=ours, other=naive)
    return Figure("windows", size, few, spent, None, agree)


def _ours(sizes: Sizes, place: Path, answer: Path, progress: Progress, rows: int | None = None) -> Numbers:
    with progress(f"windows: ours on {rows or sizes.rows:,} rows x {sizes.events:,} events"):
        return sides.run(f"{TRAINING}:ours", answer=answer, rows=rows, **_limits(sizes, place))


def _limits(sizes: Sizes, place: Path) -> dict:
    return {"folder": place, "memory_limit": sizes.memory_limit, "threads": sizes.threads}
