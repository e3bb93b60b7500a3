"""`streamrank bench retrieve`: candidates of all sources on one core, search among more items, ALS on more users."""

from dataclasses import dataclass

from benchmarks import sides
from benchmarks.figures import Figure, Numbers, ratio
from benchmarks.progress import Progress, silent

ASKING, CURVE, FITTING = (
    "benchmarks.retrieve.asking:all_sources",
    "benchmarks.retrieve.curve:searched",
    "benchmarks.retrieve.fitting:als",
)
CURVE_ITEMS = (15_000, 50_000, 150_000, 500_000, 1_000_000)


@dataclass(frozen=True)
class Sizes:
    """items, users, acts: of the world that sources are fitted on. repeat: requests. index_up_to: items for which an
    index is built too. als_users: on whom ALS is fitted, with als_acts acts; 0: not."""

    items: int = 15_000
    users: int = 20_000
    acts: int = 400_000
    repeat: int = 1_000
    index_up_to: int = 150_000
    als_users: int = 0
    als_acts: int = 10_000_000
    curve: tuple[int, ...] = CURVE_ITEMS


def bench(sizes: Sizes, progress: Progress = silent) -> Figure:
    """The limit is a bare product of a matrix with a vector and argpartition, on the same items."""
    asked = {"items": sizes.items, "users": sizes.users, "acts": sizes.acts}
    with progress(f"retrieve: {sizes.repeat:,} requests to all sources, {sizes.items:,} items"):
        figures = sides.run(ASKING, times=sizes.repeat, **asked)
    more: Numbers = {
        "side_by_side": {"ours": figures["side_by_side"]},
        "by_source": figures["by_source"],
        "aside": figures["aside"],
        "fit": figures["fit"],
        "curve": {f"{items} items": _searched(items, sizes, progress) for items in sizes.curve},
    }
    if sizes.als_users:
        with progress(f"retrieve: ALS on {sizes.als_users:,} users and {sizes.als_acts:,} acts"):
            fitted = sides.run(FITTING, items=sizes.items, users=sizes.als_users, acts=sizes.als_acts)
        more["als"] = {"ours": fitted}
    return Figure("retrieve", asked | {"repeat": sizes.repeat}, figures["alone"], None, figures["limit"], True, more)


def _searched(items: int, sizes: Sizes, progress: Progress) -> Numbers:
    index = items <= sizes.index_up_to
    with progress(f"retrieve: {items:,} vectors, {'exact and index' if index else 'exact'}"):
        found = sides.run(CURVE, items=items, index=index)
    return found | {"vs_limit": ratio(found["ours"], found["limit"])}
