"""`streamrank bench windows`: a training set of windowed features, and what it takes as rows and events grow."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks import sides
from benchmarks.figures import Figure, Numbers
from benchmarks.progress import Progress, silent
from benchmarks.workplace import workplace

WORLD, TRAINING = "benchmarks.windows.world:write", "benchmarks.windows.training"
SCALING = [(1_000_000, 10_000_000), (3_000_000, 10_000_000), (1_000_000, 30_000_000), (3_000_000, 30_000_000)]


@dataclass(frozen=True)
class Sizes:
    """rows: of the training set. naive_rows: those of it that the range join gets. items: with events and rows."""

    rows: int = 1_000_000
    events: int = 10_000_000
    naive_rows: int = 20_000
    items: int = 2_000
    memory_limit: str = "4GB"
    threads: int = 2


def training(sizes: Sizes, folder: Path | None = None, progress: Progress = silent) -> Figure:
    """All rows by ours alone, 1,000 looked up; and its variant beside the range join, which takes stock's place."""
    with workplace(folder) as place:
        size = _generated(sizes, place, progress)
        ours = _ours(sizes, place, place / "ours-answer.parquet", progress)
        with progress("windows: looking 1,000 of the rows up"):
            agree = sides.run(f"{TRAINING}:looked_up", folder=place, answer=place / "ours-answer.parquet")
        beside = _beside(sizes, place, progress)
    return Figure("windows", size, ours, None, None, agree and bool(beside.agree), {
        "range_join_as_stock": beside.variant(),
    })  # fmt: skip


def scaling(sizes: Sizes, folder: Path | None = None, progress: Progress = silent) -> Figure:
    """Ours alone over 10 and 30 million events x 1 and 3 million rows; the last is the figure."""
    table: list[Numbers] = []
    with workplace(folder) as place:
        for rows, events in SCALING:
            larger = Sizes(rows, events, sizes.naive_rows, sizes.items, sizes.memory_limit, sizes.threads)
            inside = place / f"{rows}-{events}"
            size = _generated(larger, inside, progress)
            ours = _ours(larger, inside, inside / "ours-answer.parquet", progress)
            with progress("windows: looking 1,000 of the rows up"):
                agree = sides.run(f"{TRAINING}:looked_up", folder=inside, answer=inside / "ours-answer.parquet")
            table.append({**size, **ours, "agree": agree})
    return Figure("windows", size, ours, None, None, all(row["agree"] for row in table), {"scaling": table})


def _beside(sizes: Sizes, place: Path, progress: Progress) -> Figure:
    size = {"rows": sizes.naive_rows, "events": sizes.events}
    answers = {side: place / f"{side}-few-answer.parquet" for side in ("ours", "range_join")}
    few = _ours(sizes, place, answers["ours"], progress, sizes.naive_rows)
    with progress(f"windows: a range join on {sizes.naive_rows:,} rows"):
        naive = sides.run(f"{TRAINING}:range_join", answer=answers["range_join"], rows=sizes.naive_rows,
                          **_limits(sizes, place))  # fmt: skip
    agree = sides.run(f"{TRAINING}:agreed", one=answers["ours"], other=answers["range_join"])
    return Figure("windows", size, few, naive, None, agree)


def _ours(sizes: Sizes, place: Path, answer: Path, progress: Progress, rows: int | None = None) -> Numbers:
    with progress(f"windows: ours on {rows or sizes.rows:,} rows x {sizes.events:,} events"):
        return sides.run(f"{TRAINING}:ours", answer=answer, rows=rows, **_limits(sizes, place))


def _limits(sizes: Sizes, place: Path) -> dict:
    return {"folder": place, "memory_limit": sizes.memory_limit, "threads": sizes.threads}


def _generated(sizes: Sizes, place: Path, progress: Progress) -> Numbers:
    with progress(f"windows: generating {sizes.events:,} events"):
        size = sides.run(WORLD, folder=place, rows=sizes.rows, events=sizes.events, items=sizes.items)
    return size | {"memory_limit": sizes.memory_limit, "threads": sizes.threads}
