"""`streamrank bench pit`: ours, stock and the ASOF statement on the same rows; with and without late corrections."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks import sides
from benchmarks.agreement import same_columns
from benchmarks.figures import Figure, Numbers
from benchmarks.pit import world
from benchmarks.progress import Progress, silent
from benchmarks.workplace import workplace

WORLD, FEAST = "benchmarks.pit.world:write", "benchmarks.pit.join:feast"
BY_HAND, STREAMED, LOOKED_UP = (
    "benchmarks.pit.join:by_hand",
    "benchmarks.pit.join:streamed",
    "benchmarks.pit.join:looked_up",
)
SCALING = [(10_000_000, n) for n in (1_000_000, 3_000_000, 10_000_000)]
SCALING += [(100_000_000, n) for n in (1_000_000, 3_000_000, 10_000_000)]


@dataclass(frozen=True)
class Sizes:
    """rows: training rows. feature_rows: of both views. repeat: runs of the fast sides, whose median counts."""

    rows: int = 100_000
    feature_rows: int = 3_000_000
    repeat: int = 3
    skip_stock: bool = False


def bench(sizes: Sizes, folder: Path | None = None, progress: Progress = silent) -> Figure:
    """Both questions: rows that never change, and 5 % of feature rows corrected later, read with the created cutoff."""
    with workplace(folder) as place:
        plain = _compared(sizes, place / "plain", False, progress)
        late = _compared(sizes, place / "late", True, progress)
    return Figure(plain.bench, plain.size, plain.ours, plain.stock, plain.limit, plain.agree, {
        **plain.more, "late_corrections": late.variant(),
    })  # fmt: skip


def streamed(sizes: Sizes, memory_limit: str, folder: Path | None = None, progress: Progress = silent) -> Figure:
    """Ours alone on tables larger than memory, to a file; 1,000 of the rows are checked by looking them up."""
    with workplace(folder) as place:
        return _streamed(sizes, memory_limit, place, progress)


def scaling(memory_limit: str, folder: Path | None = None, progress: Progress = silent) -> Figure:
    """`streamed` over 10 and 100 million feature rows x 1, 3 and 10 million training rows; the last is the figure."""
    table = []
    with workplace(folder) as place:
        for feature_rows, rows in SCALING:
            last = _streamed(Sizes(rows, feature_rows), memory_limit, place, progress)
            table.append({**last.size, **last.ours, "agree": last.agree})
    return Figure(last.bench, last.size, last.ours, None, None, all(r["agree"] for r in table), {"scaling": table})


def _compared(sizes: Sizes, place: Path, late: bool, progress: Progress) -> Figure:
    kind = "late corrections" if late else "plain"
    size = _generated(sizes, place, late, progress)
    spent: dict[str, Numbers | None] = {"stock": None}
    for side, call, times in _sides(sizes):
        with progress(f"pit, {kind}: {side} on {sizes.rows:,} rows"):
            which = {} if side == "limit" else {"side": side}
            spent[side] = sides.run(
                call, folder=place, answer=place / f"{side}-answer.parquet", late=late, times=times, **which
            )
    ours = pq.read_table(place / "ours-answer.parquet")
    others = [pq.read_table(place / f"{side}-answer.parquet") for side in ("stock", "limit") if spent[side]]
    agree = all(same_columns(ours, other, world.features(), "row") for other in others)
    return Figure("pit", size, spent["ours"], spent["stock"], spent["limit"], agree, _memory(spent))


def _sides(sizes: Sizes) -> list[tuple[str, str, int]]:
    stock = [] if sizes.skip_stock else [("stock", FEAST, 1)]
    return [("limit", BY_HAND, sizes.repeat), ("ours", FEAST, sizes.repeat), *stock]


def _memory(spent: dict[str, Numbers | None]) -> Numbers:
    stock = spent["stock"]
    return {"memory_vs_stock": round(spent["ours"]["peak_mb"] / stock["peak_mb"], 3) if stock else None}


def _streamed(sizes: Sizes, memory_limit: str, place: Path, progress: Progress) -> Figure:
    size = _generated(sizes, place, False, progress) | {"memory_limit": memory_limit}
    answer = place / "ours-answer.parquet"
    with progress(f"pit: ours on {sizes.rows:,} rows x {sizes.feature_rows:,} feature rows, {memory_limit}"):
        ours = sides.run(STREAMED, folder=place, answer=answer, memory_limit=memory_limit)
    with progress("pit: looking 1,000 of the rows up"):
        agree = sides.run(LOOKED_UP, folder=place, answer=answer)
    return Figure("pit", size, ours, None, None, agree)


def _generated(sizes: Sizes, place: Path, late: bool, progress: Progress) -> Numbers:
    with progress(f"pit: generating {sizes.feature_rows:,} feature rows"):
        return sides.run(WORLD, folder=place, rows=sizes.rows, feature_rows=sizes.feature_rows, late=late)
