"""`streamrank bench materialize`: ours, stock on fewer keys (by the rate), and bare compare-and-set writes."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks import sides
from benchmarks.figures import Figure, Numbers
from benchmarks.progress import Progress, silent
from benchmarks.server import private_valkey
from benchmarks.workplace import workplace

WORLD, WRITES = "benchmarks.materialize.world:write", "benchmarks.materialize.writes"


@dataclass(frozen=True)
class Sizes:
    """keys: ours and the limit's. stock_keys: stock's, which takes long. larger: ours again, to see its memory."""

    keys: int = 1_000_000
    stock_keys: int = 50_000
    larger: int = 2_000_000
    skip_stock: bool = False


def bench(sizes: Sizes, folder: Path | None = None, progress: Progress = silent) -> Figure:
    """Each side writes into an empty server of its own with the append-only file on; every value is read back."""
    with workplace(folder) as place:
        size, ours, right = _side("ours", sizes.keys, place, progress)
        limit = _bare(sizes.keys, place, progress)
        stock, stock_right = None, True
        if not sizes.skip_stock:
            _, stock, stock_right = _side("stock", sizes.stock_keys, place, progress)
        more: Numbers = {}
        if sizes.larger:
            _, larger, larger_right = _side("ours", sizes.larger, place, progress)
            more = {"larger": larger, "memory_growth": round(larger["peak_mb"] / ours["peak_mb"], 3)}
            right = right and larger_right
    return Figure("materialize", size, ours, stock, limit, right and stock_right, more)


def _side(side: str, keys: int, place: Path, progress: Progress) -> tuple[Numbers, Numbers, bool]:
    """The input's size, what the side spent, and whether every value it serves is right."""
    here = place / f"{side}-{keys}"
    with progress(f"materialize: generating the rows of {keys:,} keys"):
        size = sides.run(WORLD, folder=here, keys=keys)
    with private_valkey(here / "valkey") as port:
        with progress(f"materialize: {side}, {keys:,} keys"):
            spent = sides.run(f"{WRITES}:feast", side=side, folder=here, port=port, keys=keys)
        with progress(f"materialize: reading {side}'s {keys:,} keys back"):
            right = sides.run(f"{WRITES}:served", side=side, folder=here, port=port, keys=keys)
    return size, spent, right


def _bare(keys: int, place: Path, progress: Progress) -> Numbers:
    with private_valkey(place / "bare") as port, progress(f"materialize: bare writes of {keys:,} keys"):
        return sides.run(f"{WRITES}:bare", folder=place, port=port, keys=keys)
