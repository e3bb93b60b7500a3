"""What the sources propose for every question of a task, with what each says of it: one matrix, asked once."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from models.learning.question import Extra
from models.learning.question import Question as Asked
from models.retrieval.merging import SOURCE_FEATURES, merged
from models.retrieval.side_by_side import ask
from models.retrieval.sources import Fitted
from models.viewer import Moment
from pipelines.protocols.answers import DEPTH, Question, empty, put

NOBODY_WANTS = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Pool:
    """places: int64 [rows], of each question's candidates together. starts: int64 [questions + 1]. columns: float32
    [rows, features], named by `features`. found_by: bool [rows, sources], in the order of `sources`. lists: what each
    source proposed alone, "<source> alone" -> int32 [questions, DEPTH]. left_out: source -> why it failed at times.
    """

    places: np.ndarray
    starts: np.ndarray
    columns: np.ndarray
    features: list[str]
    found_by: np.ndarray
    sources: list[str]
    lists: dict[str, np.ndarray]
    left_out: dict[str, str]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def owner(self) -> np.ndarray:
        """The question of each row, int64 [rows]."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def matrix(self, names: list[str]) -> np.ndarray:
        """float32 [rows, names]; NaN for a column of a source that could not be fitted."""
        unknown = np.full((len(self.places), 1), np.nan, np.float32)
        place = {name: number for number, name in enumerate(self.features)}
        return np.hstack([self.columns, unknown])[:, [place.get(name, -1) for name in names]]

    def ordered(self, scores: np.ndarray, kept: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """(lists, int32 [questions, DEPTH]; their scores, float64): the candidates by `scores` [rows], ties as they
        came; of these only the `kept`, bool [rows]."""
        kept = np.ones(len(scores), bool) if kept is None else kept
        rows = np.flatnonzero(kept)
        owner = self.owner[rows]
        order = rows[np.lexsort((np.arange(len(rows)), -scores[rows], owner))]
        starts = np.searchsorted(owner, np.arange(len(self)))
        rank = np.arange(len(order)) - starts[self.owner[order]]
        lists, values = empty(len(self)), np.full((len(self), DEPTH), np.nan)
        first = rank < DEPTH
        lists[self.owner[order][first], rank[first]] = self.places[order][first]
        values[self.owner[order][first], rank[first]] = scores[order][first]
        return lists, values


def pooled(fitted: Fitted, questions: Iterable[Question], asked: int, extra: Extra | None) -> Pool:
    """extra: gives further columns of all candidates, asked once for all questions."""
    names, slim, places, columns, found_by, left_out = fitted.names, [], [], [], [], {}
    lists = {f"{name} alone": empty(asked) for name in names}
    for question in questions:
        answer = ask(fitted.sources, question.viewer, question.moment, question.allowed, DEPTH)
        found = merged(answer.found, names, DEPTH)
        slim.append(_slim(question))
        places.append(found.places)
        columns.append(found.features)
        found_by.append(found.found_by)
        left_out |= answer.left_out
        for name, one in answer.found.items():
            put(lists[f"{name} alone"], question.number, one.places)
    further = extra(slim, places) if extra and slim else {}
    sources = np.concatenate([*columns, np.zeros((0, len(SOURCE_FEATURES(names))), np.float32)])
    return Pool(
        np.concatenate([*places, np.zeros(0, np.int64)]), np.append(0, np.cumsum([*map(len, places)])),
        np.column_stack([*further.values(), sources]), [*further, *SOURCE_FEATURES(names)],
        np.concatenate([*found_by, np.zeros((0, len(names)), bool)]), names, lists, left_out,
    )  # fmt: skip


def _slim(question: Question) -> Asked:
    """Who asks and when, without what is large: thousands are held at once."""
    none = np.zeros(0)
    viewer = replace(question.viewer, vector=None)
    moment = Moment(question.moment.now_us, none, none, none, none)
    return Asked(viewer, moment, none, NOBODY_WANTS, question.number)
