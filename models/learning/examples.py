"""Examples for a ranker out of fold: what sources say of candidates for questions whose answers they never saw."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models.items import Items
from models.learning.holdouts import Fold
from models.learning.question import Extra, Moments, Question
from models.rankers.examples import Examples
from models.recommender import allowed
from models.retrieval.merging import SOURCE_FEATURES, merged
from models.retrieval.side_by_side import ask
from models.retrieval.sources import Fitted
from models.viewing import Histories

CANDIDATES = 200


@dataclass(frozen=True)
class Rows:
    """The rows of one fold. proposed, wanted: how many right answers were among the candidates, and there were."""

    examples: Examples
    proposed: int
    wanted: int


def questions(fold: Fold, items: Items, moments: Moments, seen_leaves: bool, first: int = 0) -> Iterator[Question]:
    """The fold's questions, numbered from `first`; what nobody may be shown is not wanted."""
    histories, at, moment = Histories(fold.history), moments(fold.history), None
    for number in range(len(fold)):
        instant = int(fold.instants[number])
        moment = moment if moment is not None and moment.now_us == instant else at.at(instant)
        viewer = histories.viewer(int(fold.users[number]), instant)
        may = allowed(viewer, moment, seen_leaves)
        wanted = fold.of(number)
        yield Question(viewer, moment, may, wanted[may[wanted]], first + number)


def rows_of(asked: Iterator[Question], fitted: Fitted, names: list[str], timed: bool, extra: Extra | None) -> Rows:
    """Examples of the questions of one fold: their candidates, where they hold a right answer and a wrong one.

    names: the sources whose features are made. timed: whether the order of questions is that of their instants;
    otherwise that of their numbers.
    """
    kept, parts, labels, counts = [], [], [], []
    proposed = wanted = 0
    for question in asked:
        found = merged(ask(fitted.sources, question.viewer, question.moment, question.allowed).found, names, CANDIDATES)
        label = np.isin(found.places, question.wanted)
        proposed, wanted = proposed + int(label.sum()), wanted + len(question.wanted)
        if label.any() and not label.all():
            kept.append((question.slim(), found.places))
            parts.append(found.features)
            labels.append(label)
            counts.append(len(label))
    return Rows(_examples(kept, parts, labels, counts, names, timed, extra), proposed, wanted)


def joined(parts: list[Examples]) -> Examples:
    """The examples of several folds, in their order."""
    columns = ("matrix", "labels", "groups", "times", "users")
    together = {name: np.concatenate([getattr(part, name) for part in parts]) for name in columns}
    return Examples(features=parts[0].features, **together)


def _examples(
    kept: list[tuple[Question, np.ndarray]], parts: list[np.ndarray], labels: list[np.ndarray], counts: list[int],
    names: list[str], timed: bool, extra: Extra | None,
) -> Examples:  # fmt: skip
    asked, places = [question for question, _ in kept], [found for _, found in kept]
    further = extra(asked, places) if extra and asked else {}
    features = [*further, *SOURCE_FEATURES(names)]
    groups = np.repeat([question.qid for question in asked], counts).astype(np.int64)
    instants = np.repeat([question.moment.now_us for question in asked], counts).astype(np.int64)
    users = np.unique([question.viewer.user_id for question in asked], return_inverse=True)[1]
    sources = np.concatenate([*parts, np.zeros((0, len(SOURCE_FEATURES(names))), np.float32)])
    matrix = np.column_stack([*(np.asarray(column, np.float32) for column in further.values()), sources])
    return Examples(
        matrix, np.concatenate([*labels, np.zeros(0, bool)]).astype(np.int8), groups, instants if timed else groups,
        features=features, users=np.repeat(users, counts),
    )  # fmt: skip
