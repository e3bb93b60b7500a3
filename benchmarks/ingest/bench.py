"""`streamrank bench ingest`: our worker on a filled bus, one view and three; stock Feast's push on fewer events."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks import sides
from benchmarks.figures import Figure, Numbers
from benchmarks.progress import Progress, silent
from benchmarks.server import private_valkey
from benchmarks.workplace import workplace

SIDES = "benchmarks.ingest.sides"
ONE, THREE = ["item"], ["item", "user", "user_topic"]


@dataclass(frozen=True)
class Sizes:
    """events: of the item view alone. keyed_events: of three views, two of them with a key a user. stock_events:
    stock's, which takes long."""

    events: int = 4_000_000
    keyed_events: int = 500_000
    stock_events: int = 20_000
    items: int = 2_000
    users: int = 1_000_000
    skip_stock: bool = False


def bench(sizes: Sizes, folder: Path | None = None, progress: Progress = silent) -> Figure:
    """Each side on a server of its own with the append-only file on; every served value is held against a recount."""
    with workplace(folder) as place:
        published, one, right = _ours(sizes, sizes.events, ONE, place / "one", progress)
        _, three, right_too = _ours(sizes, sizes.keyed_events, THREE, place / "three", progress)
        stock = None if sizes.skip_stock else _stock(sizes, place / "stock", progress)
    size = {"events": sizes.events, "items": sizes.items, "users": sizes.users}
    inside = Figure("", {"events": sizes.keyed_events, "views": len(THREE)}, three, None, None, right_too)
    return Figure(
        "ingest",
        size,
        one,
        stock,
        None,
        right and right_too,
        {"publishing": {"ours": published}, "three_views": inside.variant()},
    )


def _ours(
    sizes: Sizes, events: int, views: list[str], place: Path, progress: Progress
) -> tuple[Numbers, Numbers, bool]:
    with private_valkey(place / "valkey") as port:
        common = {"folder": place, "port": port}
        with progress(f"ingest: publishing {events:,} events"):
            counts = {"events": events, "items": sizes.items, "users": sizes.users}
            published = sides.run(f"{SIDES}:publish", **common, **counts, views=views)
        with progress(f"ingest: {events:,} events into {', '.join(views)}"):
            ours = sides.run(f"{SIDES}:ours", **common, events=events, views=views)
        with progress("ingest: counting them again"):
            right = sides.run(f"{SIDES}:agree", **common, views=views)
    return published, ours, right


def _stock(sizes: Sizes, place: Path, progress: Progress) -> Numbers:
    with private_valkey(place / "valkey") as port, progress(f"ingest: stock push of {sizes.stock_events:,} events"):
        return sides.run(
            f"{SIDES}:stock", folder=place, port=port, events=sizes.stock_events, items=sizes.items, users=sizes.users
        )
