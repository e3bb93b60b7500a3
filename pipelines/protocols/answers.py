"""Lists for every question of a task: of the stages, of each source alone, and of what must be beaten."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from models import metrics
from models.viewer import Moment, Viewer
from pipelines.protocols.asked import Asked, Task
from pipelines.protocols.simple import Simple
from pipelines.protocols.world import World

DEPTH = 200
COLD_BELOW = 5  # acts


@dataclass(frozen=True)
class Question:
    """One question with all that may be looked at to answer it. counts: float64 [items], acts so far."""

    number: int
    viewer: Viewer
    moment: Moment
    allowed: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True)
class Answers:
    """lists: name -> int32 [questions, DEPTH], best first, -1 behind the end. offered: int64 [questions], how many
    items could be ranked. known: int64 [questions], acts of the user that were known. seen: bool [wanted], whether the
    user had acted on the wanted item before. cold_user: bool [questions], fewer than COLD_BELOW acts were known.
    cold_item: bool [wanted], fewer than COLD_BELOW acts on the item in the fit.
    """

    asked: Asked
    lists: Mapping[str, np.ndarray]
    offered: np.ndarray
    known: np.ndarray
    seen: np.ndarray
    cold_user: np.ndarray
    cold_item: np.ndarray


Recommend = Callable[[Iterator[Question]], Mapping[str, np.ndarray]]
"""Takes the questions one after another; name -> lists, int32 [questions, DEPTH]."""


def questions(world: World, task: Task) -> Iterator[Question]:
    """The task's questions in the order of time; what one holds may be looked at until the next is asked for."""
    present, asked = world.present(task), task.asked
    for number in range(len(asked)):
        viewer, moment = present.viewer(asked, number), present.moment(asked, number)
        yield Question(number, viewer, moment, present.allowed(asked, number, moment), present.counts)


def simple_answers(world: World, task: Task) -> Answers:
    """The lists of what must be beaten, and the facts of each question."""
    asked, simple = task.asked, Simple(world.items, world.repeats)
    lists: dict[str, np.ndarray] = {}
    offered, known, seen = np.zeros(len(asked), np.int64), np.zeros(len(asked), np.int64), []
    for question in questions(world, task):
        offered[question.number] = np.count_nonzero(question.allowed)
        known[question.number] = len(question.viewer.items)
        seen.append(np.isin(asked.of(question.number), question.viewer.items))
        found = simple.lists(question.viewer, question.moment, question.counts, question.allowed, DEPTH)
        for name, places in found.items():
            put(lists.setdefault(name, empty(len(asked))), question.number, places)
    cold = metrics.cold_items(task.fit, COLD_BELOW)
    wanted = np.concatenate([*seen, np.zeros(0, bool)])
    return Answers(asked, lists, offered, known, wanted, known < COLD_BELOW, cold[asked.wanted])


def empty(asked: int) -> np.ndarray:
    """Lists without an item, int32 [asked, DEPTH]."""
    return np.full((asked, DEPTH), -1, np.int32)


def put(lists: np.ndarray, number: int, places: np.ndarray) -> None:
    """Makes `places`, best first, the list of question `number`."""
    lists[number, : min(len(places), DEPTH)] = places[:DEPTH]


def together(parts: list[Answers]) -> Answers:
    """The answers of several tasks as one; who has no list in a part has an empty one there."""
    names = list(dict.fromkeys(name for part in parts for name in part.lists))
    lengths = np.concatenate([np.diff(part.asked.starts) for part in parts])
    asked = Asked(
        np.concatenate([part.asked.users for part in parts]), np.concatenate([part.asked.instants for part in parts]),
        np.append(0, np.cumsum(lengths)), np.concatenate([part.asked.wanted for part in parts]),
    )  # fmt: skip
    lists = {name: np.concatenate([part.lists.get(name, empty(len(part.asked))) for part in parts]) for name in names}
    columns = ("offered", "known", "seen", "cold_user", "cold_item")
    return Answers(asked, lists, **{name: np.concatenate([getattr(part, name) for part in parts]) for name in columns})
