"""A service that does not exist: its users, creators and titles, and who likes what. All of it follows from a seed.

What users like is known exactly, so that what a ranker learns can be held against it: `liking`.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

TOPICS = (
    "news", "sport", "music", "gaming", "cooking", "travel", "comedy", "science", "history", "fashion",
    "art", "books", "film", "nature", "cars", "health", "money", "politics", "diy", "chess",
)  # fmt: skip
LIKED_TOPICS = 3
INTEREST = np.array([0.45, 0.25, 0.15])  # of a user in the topics they like, the first most
FAVOURITE = 0.35  # more of it for the creator that a user follows in their heart
SECOND_TOPIC = 0.5  # how much an item's second topic counts beside its first
INDIFFERENCE = 0.04
EVENING, MORNING = 20.5, 9.0  # hours of the day around which creators like to go on air


@dataclass(frozen=True)
class World:
    """users, creators, titles: how many. Ids are text of a letter and a number, or the number alone (integer_ids)."""

    seed: int
    users: int = 10_000
    creators: int = 1_000
    titles: int = 200
    integer_ids: bool = False

    @cached_property
    def liked(self) -> np.ndarray:
        """int8 [users, LIKED_TOPICS]: topics that a user likes, the most liked first."""
        keys = self._random(1).random((self.users, len(TOPICS)), np.float32)
        keys *= 1 / (1 + np.arange(len(TOPICS), dtype=np.float32)) ** 0.5  # some topics are liked by more
        return np.argsort(-keys, axis=1)[:, :LIKED_TOPICS].astype(np.int8)

    @cached_property
    def favourites(self) -> np.ndarray:
        """int32 [users]: the creator that a user likes most, one of the user's first topic where there is any."""
        order = np.argsort(self.creator_topics[:, 0], kind="stable")
        starts = np.searchsorted(self.creator_topics[order, 0], np.arange(len(TOPICS) + 1))
        first, last = starts[self.liked[:, 0]], starts[self.liked[:, 0] + 1]
        chosen = self._random(2).random(self.users)
        of_topic = first + (chosen * (last - first)).astype(np.int64)
        anyone = (chosen * self.creators).astype(np.int64)
        return order[np.where(last > first, of_topic, anyone)].astype(np.int32)

    @cached_property
    def creator_topics(self) -> np.ndarray:
        """int8 [creators, 2]: what a creator's shows are about, two different topics."""
        first = self._random(3).integers(len(TOPICS), size=self.creators)
        step = self._random(4).integers(1, len(TOPICS), size=self.creators)
        return np.stack([first, (first + step) % len(TOPICS)], axis=1).astype(np.int8)

    @cached_property
    def creator_fame(self) -> np.ndarray:
        """float64 [creators]: share of those who come without knowing what for; few have much."""
        return 1 / (1 + self._random(5).permutation(self.creators)) ** 0.9

    @cached_property
    def creator_hours(self) -> np.ndarray:
        """float64 [creators]: the hour of the day (UTC) around which a creator goes on air."""
        random = self._random(6)
        evening = random.random(self.creators) < 0.7
        return (
            np.where(evening, random.normal(EVENING, 3, self.creators), random.normal(MORNING, 4, self.creators)) % 24
        )

    @cached_property
    def title_creators(self) -> np.ndarray:
        """int32 [titles]: who made a title on demand."""
        return self._random(7).integers(self.creators, size=self.titles).astype(np.int32)

    def liking(self, users: np.ndarray, creators: np.ndarray) -> np.ndarray:
        """float64 [n]: how likely a user clicks on what a creator made, when it is shown to them."""
        topics, liked = self.creator_topics[creators], self.liked[users]
        matches = (liked[:, None, :] == topics[:, :, None]) * np.array([1, SECOND_TOPIC])[None, :, None]
        interest = (matches * INTEREST).sum(axis=(1, 2))
        return INDIFFERENCE + interest + FAVOURITE * (self.favourites[users] == creators)

    def _random(self, part: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=[self.seed, part]))
