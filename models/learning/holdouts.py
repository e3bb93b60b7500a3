"""What is held out to learn from: a part of the acts is asked for, of sources that were fitted without it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models.interactions import Interactions


@dataclass(frozen=True)
class Fold:
    """fit: the acts that sources are fitted to. history: of which a viewer's acts before the instant are known.

    users: int32 [questions], places. instants: int64 [questions]. starts: int64 [questions + 1], where the wanted
    items of each begin in `wanted`, int64 places.
    """

    fit: Interactions
    history: Interactions
    users: np.ndarray
    instants: np.ndarray
    starts: np.ndarray
    wanted: np.ndarray

    def __len__(self) -> int:
        return len(self.users)

    def of(self, question: int) -> np.ndarray:
        """What one question wants, each item once."""
        return np.unique(self.wanted[self.starts[question] : self.starts[question + 1]])


class Holdout(Protocol):
    def folds(self, acts: Interactions) -> Iterator[Fold]:
        """One after another; the later ones are those on which choices are made."""


@dataclass(frozen=True)
class RandomHoldout:
    """Each user's acts are dealt to `folds` by chance, and each fold is asked for by what is in the others.

    For protocols that part acts by chance: sources then know as much of a viewer as they will when they are tested if
    1 / folds is the share that is tested. most: questions of a fold, drawn with `seed`.
    """

    count: int = 4
    seed: int = 0
    most: int = 600

    def folds(self, acts: Interactions) -> Iterator[Fold]:
        fold_of = dealt(acts.users, self.count, self.seed)
        for fold in range(self.count):
            held = acts.only(fold_of == fold)
            rest = acts.only(fold_of != fold)
            people = np.intersect1d(held.users, rest.users)
            people = np.random.default_rng([self.seed, fold]).permutation(people)[: self.most]
            yield _all_at_once(rest, held, people)


@dataclass(frozen=True)
class LaterHoldout:
    """Forward chaining: what users do in an epoch is asked for by what was fitted to all before it.

    first: share of the acts before the first epoch. ahead: how many of a user's acts from the instant on are wanted.
    most: questions of an epoch, drawn with `seed`.
    """

    count: int = 3
    first: float = 0.5
    ahead: int = 5
    most: int = 1_500
    seed: int = 0

    def folds(self, acts: Interactions) -> Iterator[Fold]:
        bounds = self._bounds(acts)
        for begin, end in zip(bounds, [*bounds, np.iinfo(np.int64).max][1:], strict=False):
            rows = slice(*np.searchsorted(acts.times, [begin, end], "left"))
            yield self._epoch(acts.before(begin), acts, acts.only(rows), begin)

    def _bounds(self, acts: Interactions) -> np.ndarray:
        """The instants at which epochs begin; none where all acts are of one instant."""
        if not len(acts):
            return acts.times
        places = (np.linspace(self.first, 1, self.count + 1)[:-1] * len(acts)).astype(np.int64)
        found = np.unique(acts.times[places])
        return found[found > acts.times[0]]

    def _epoch(self, fit: Interactions, history: Interactions, epoch: Interactions, begin: int) -> Fold:
        ordered = epoch.only(np.argsort(epoch.users, kind="stable"))
        ends = np.searchsorted(ordered.users, ordered.users, "right")
        drawn = np.random.default_rng(self.seed).permutation(len(ordered))
        drawn = drawn[ordered.instants[drawn] >= begin][: self.most]
        drawn = drawn[np.argsort(ordered.instants[drawn], kind="stable")]
        lengths = np.minimum(ends[drawn] - drawn, self.ahead)
        starts = np.append(0, np.cumsum(lengths))
        rows = np.arange(starts[-1]) + np.repeat(drawn - starts[:-1], lengths)
        return Fold(
            fit, history, ordered.users[drawn], ordered.instants[drawn], starts, ordered.items[rows].astype(np.int64)
        )


def dealt(users: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """int64 [acts]: the fold of each act, as evenly many of each user as can be."""
    random = np.random.default_rng(seed)
    order = np.lexsort((random.permutation(len(users)), users))
    _, starts, sizes = np.unique(users[order], return_index=True, return_counts=True)
    turn = np.arange(len(users)) - np.repeat(starts, sizes) + np.repeat(random.integers(0, folds, len(sizes)), sizes)
    found = np.empty(len(users), np.int64)
    found[order] = turn % folds
    return found


def _all_at_once(rest: Interactions, held: Interactions, people: np.ndarray) -> Fold:
    """Everybody is asked after all is known, in the order of `people`."""
    ordered = held.only(np.argsort(held.users, kind="stable"))
    begins, ends = (np.searchsorted(ordered.users, people, side) for side in ("left", "right"))
    starts = np.append(0, np.cumsum(ends - begins))
    rows = np.arange(starts[-1]) + np.repeat(begins - starts[:-1], ends - begins)
    instants = np.full(len(people), int(rest.times[-1]) + 1)
    return Fold(rest, rest, people.astype(np.int32), instants, starts, ordered.items[rows].astype(np.int64))
