"""What each source and each group of features is worth: the ranker fitted again without it, and asked the same.

Only the ranker is fitted anew, of the kind that was kept, to the hard rows of a part of its questions, and what a
source alone proposed is no candidate any more.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from models.learning.hard import hard
from models.rankers import kinds
from models.rankers.examples import Examples
from pipelines.protocols.candidates import Pool
from pipelines.protocols.ours import Ours

NOTHING = "nothing left out"
FOUND = "sources_found"
MOST = 1_500  # questions that each ranker learns from
GROUPS = {
    "features of the item": r"item_.*", "features of the creator": r"creator_.*", "features of the topic": r"topic_.*",
    "features of the user": r"user_(?!topic_share|creator_share).*",
    "features of user and topic": r"ut_.*|user_topic_.*",
    "features of user and creator": r"uc_.*|user_creator_.*",
}  # fmt: skip


def without(found: Ours, report: Callable[[str], None]) -> dict[str, np.ndarray]:
    """What is left out -> lists, int32 [questions, DEPTH]; NOTHING for the ranker as it was learned. Empty where no
    ranker was learned."""
    learned, pool = found.learned, found.pool
    if learned is None or learned.examples is None or len(learned.ranker.features) < 2:
        return {}
    examples, everything = hard(_fewer(learned.examples)), np.ones(len(pool.places), bool)
    lists = {NOTHING: _lists(learned.ranker.kind, examples, pool, everything)}
    for name, columns in _parts(pool, set(examples.features)):
        report(f"without {name}")
        lists[f"without {name}"] = _lists(learned.ranker.kind, *_left(examples, pool, name, columns), _kept(pool, name))
    return lists


def _fewer(examples: Examples) -> Examples:
    """At most MOST of the questions, evenly over all."""
    _, question = np.unique(examples.groups, return_inverse=True)
    every = -(-(question.max(initial=0) + 1) // MOST)
    return examples.only(question % every == 0)


def _parts(pool: Pool, taken: set[str]) -> Iterator[tuple[str, set[str]]]:
    """Each source that found anything, then each group of features of which any are `taken`, and its columns."""
    of_sources = {f"{name}_{kind}" for name in pool.sources for kind in ("score", "rank")} | {FOUND}
    for name, found in zip(pool.sources, pool.found_by.any(axis=0), strict=True):
        if found:
            yield name, {f"{name}_score", f"{name}_rank"}
    further = [name for name in pool.features if name in taken - of_sources]
    for group, pattern in GROUPS.items():
        if columns := {name for name in further if re.fullmatch(pattern, name)}:
            yield group, columns
    if further:
        yield "all features", set(further)


def _left(examples: Examples, pool: Pool, name: str, columns: set[str]) -> tuple[Examples, Pool]:
    """Both without these columns; a source that is left out has found nothing."""
    names = list(examples.features)
    kept = [place for place, column in enumerate(names) if column not in columns]
    matrix, all_columns = examples.matrix, pool.columns
    if name in pool.sources and FOUND in names:
        matrix = _one_less(matrix, names, name)
        all_columns = _one_less(all_columns, pool.features, name)
    left = replace(examples, matrix=matrix[:, kept], features=[names[place] for place in kept])
    return left, replace(pool, columns=all_columns)


def _one_less(matrix: np.ndarray, names: list[str], source: str) -> np.ndarray:
    """The matrix with one source less in FOUND wherever it had a rank."""
    changed = matrix.copy()
    changed[:, names.index(FOUND)] -= ~np.isnan(matrix[:, names.index(f"{source}_rank")])
    return changed


def _kept(pool: Pool, name: str) -> np.ndarray:
    """Which candidates are still proposed, bool [rows]."""
    others = [place for place, source in enumerate(pool.sources) if source != name]
    return pool.found_by[:, others].any(axis=1)


def _lists(kind: str, examples: Examples, pool: Pool, kept: np.ndarray) -> np.ndarray:
    model = kinds.fit(kind, examples)
    return pool.ordered(model.score(pool.matrix(list(examples.features))).astype(np.float64), kept)[0]
