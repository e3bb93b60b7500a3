"""`streamrank bench train`: rows a second of each kind of ranker, beside plain XGBoost as the practical limit."""

from dataclasses import asdict, dataclass

from benchmarks import sides
from benchmarks.figures import Figure, Numbers, ratio
from benchmarks.progress import Progress, silent
from models.rankers.kinds import KINDS

KIND, PLAIN = "benchmarks.train.fitting:kind", "benchmarks.train.fitting:plain"
MAIN = "click"


@dataclass(frozen=True)
class Sizes:
    """rows, features: of the examples. rounds: trees of each booster."""

    rows: int = 100_000
    features: int = 100
    rounds: int = 100


def bench(sizes: Sizes, progress: Progress = silent) -> Figure:
    """Ours is the click model; the answers agree when its scores are those of plain XGBoost, bit by bit."""
    asked = asdict(sizes)
    with progress(f"train: plain XGBoost, {sizes.rows:,} rows"):
        limit = sides.run(PLAIN, **asked)
    found: dict[str, Numbers | None] = {}
    for name in KINDS:
        with progress(f"train: {name}, {sizes.rows:,} rows"):
            found[name] = sides.run(KIND, name=name, **asked)
    agree = found[MAIN]["scores"] == limit["scores"]
    bare = {name: _bare(each) for name, each in found.items() if each}
    more: Numbers = {
        "kinds": {name: {"ours": each, "vs_limit": ratio(each, _bare(limit))} for name, each in bare.items()},
        "aside": [name for name, each in found.items() if each is None],
    }
    return Figure("train", asked, bare[MAIN], None, _bare(limit), agree, more)


def _bare(figures: Numbers) -> Numbers:
    return {name: value for name, value in figures.items() if name != "scores"}
