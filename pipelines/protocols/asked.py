"""What a protocol asks: questions as columns, the part that may be learned from, and the part that is remembered."""

from dataclasses import dataclass, field

import numpy as np

from models.interactions import Interactions


@dataclass(frozen=True)
class Asked:
    """Questions, in the order of time: each sees what was before its instant, and nothing else.

    users: int32 [questions], places in user_ids. instants: int64 [questions]. starts: int64 [questions + 1], where
    each question's wanted items begin in `wanted`, int64, places of items.
    """

    users: np.ndarray
    instants: np.ndarray
    starts: np.ndarray
    wanted: np.ndarray

    def __len__(self) -> int:
        return len(self.users)

    def of(self, question: int) -> np.ndarray:
        """Places of what question number `question` wants."""
        return self.wanted[self.starts[question] : self.starts[question + 1]]

    @property
    def owner(self) -> np.ndarray:
        """The question of each wanted item, int64 [wanted]."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))


@dataclass(frozen=True)
class Task:
    """One fit, and the questions that are asked of it.

    fit: the acts that may be learned from. history: acts by time, of which each question sees those before its
    instant. timed: whether a question's instant lies in time, so that features can be asked as of it; otherwise all of
    the history is its past. name: of the task among the others of its protocol.
    """

    name: str
    fit: Interactions
    history: Interactions
    asked: Asked
    timed: bool = True


@dataclass(frozen=True)
class Plan:
    """What a protocol does with a data set. tasks: one after another, each fit once. sampled: what was left out, in
    words, by what it is. notes: what else a reader of the figures must know.
    """

    tasks: tuple[Task, ...]
    sampled: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def single(acts: Interactions, chosen: np.ndarray) -> Asked:
    """A question for each of the acts at the places `chosen`, in the order of their instants: what was done, asked just
    before."""
    wanted = acts.items[chosen].astype(np.int64)
    return Asked(acts.users[chosen], acts.instants[chosen], np.arange(len(chosen) + 1), wanted)
