"""Users, tastes and makers of the simulator, and a catalogue and acts on it that give every source something to do."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from catalog.schema import ITEMS
from catalog.simulator.world import TOPICS, World
from models.interactions import Interactions
from models.items import Items
from models.viewer import Moment, Viewer
from streamrank.clock import DAY

NOW = 20_000 * DAY
DAYS = 60
PER_CREATOR, PER_SERIES = 15, 10
OFFERED = 8  # items among which an act is chosen: half of them famous, half of the user's first topic
AGAIN = 0.2  # of the acts, on an item that the user watched before
ACTS_OF_VIEWER = 200
WORDS = 4_000  # that titles are made of
LANGUAGES = ("en", "de", "fr", "es", "pt")


@dataclass(frozen=True)
class Sizes:
    items: int = 15_000
    users: int = 20_000
    acts: int = 400_000


def world_of(sizes: Sizes, seed: int = 7) -> World:
    return World(seed, sizes.users, max(1, sizes.items // PER_CREATOR), sizes.items)


def items_of(world: World) -> Items:
    """Every third creator's items are episodes of series; one item in fifty came in the last two weeks."""
    random, places = np.random.default_rng(world.seed), np.arange(world.titles)
    creators = world.title_creators
    series = np.where(creators % 3 == 0, creators * 1_000 + places // (world.creators * PER_SERIES), -1)
    topics = np.array(TOPICS, object)[world.creator_topics[creators]]
    words = random.zipf(1.2, (world.titles, 4)) % WORDS
    begins = NOW - random.integers(1, DAYS * 10, world.titles) * DAY
    columns = {
        "item_id": pa.array([f"t{place:07}" for place in places]),
        "creator_id": pa.array([f"c{creator}" for creator in creators]),
        "topics": pa.array(topics.tolist(), pa.list_(pa.string())),
        "title": pa.array([" ".join(f"w{word}" for word in row) for row in words]),
        "language": pa.array(np.array(LANGUAGES, object)[creators % len(LANGUAGES)]),
        "year": pa.array(2_000 + creators % 20, pa.int32()),
        "series_id": pa.array([f"s{one}" if one >= 0 else None for one in series], pa.string()),
        "episode": pa.array(places, pa.int32()),
        "available_from": pa.array(begins).cast(pa.timestamp("us", tz="UTC")),
    }
    return Items(
        pa.table([columns.get(field.name, pa.nulls(world.titles, field.type)) for field in ITEMS], schema=ITEMS)
    )


def acts_of(world: World, items: Items, count: int) -> Interactions:
    """`count` acts within DAYS: a user is offered some items and takes the one they like most, by the simulator's
    tastes and some chance; some come back to what they took before."""
    random = np.random.default_rng([world.seed, 1])
    users = (random.random(count) ** 2 * world.users).astype(np.int32)  # some come far more often than others
    taken = np.concatenate([_taken(random, world, part) for part in np.array_split(users, -(-count // 1_000_000))])
    taken = _again(random, users, taken)
    watched = random.random(count, np.float32)
    return Interactions(
        users, taken, np.sort(random.integers(NOW - DAYS * DAY, NOW, count)), 0.25 + 1.75 * watched, watched,
        np.full(count, np.nan, np.float32), np.array([f"u{user}" for user in range(world.users)], object), items.ids,
        pa.array([[_country(world, user)] for user in range(world.users)]),
    )  # fmt: skip


def viewers_of(world: World, acts: Interactions, items: Items, count: int) -> list[Viewer]:
    """Users who acted often, with all that a viewer can have."""
    random = np.random.default_rng([world.seed, 2])
    busy = np.argsort(-np.bincount(acts.users, minlength=world.users), kind="stable")[: count * 4 : 4]
    order = np.argsort(acts.users, kind="stable")
    begins = np.searchsorted(acts.users[order], np.arange(world.users + 1))
    creators = items.table["creator_id"].to_numpy()
    return [
        _viewer(random, world, acts, creators, user, order[begins[user] : begins[user + 1]][-ACTS_OF_VIEWER:])
        for user in busy.tolist()
    ]


def moment_of(items: Items, recent: np.ndarray) -> Moment:
    """Everything is on air; one item in twenty has viewers now."""
    random = np.random.default_rng(11)
    watching = np.where(random.random(len(items)) < 0.05, random.zipf(1.5, len(items)) % 10_000, 0)
    begins = items.table["available_from"].cast(pa.int64()).to_numpy()
    return Moment(NOW, np.ones(len(items), bool), begins, recent, watching.astype(np.float32))


def _country(world: World, user: int) -> str:
    """Countries differ in what they like most."""
    return f"country:{world.liked[user, 0] % len(LANGUAGES)}"


def _taken(random: np.random.Generator, world: World, users: np.ndarray) -> np.ndarray:
    """int32 [users]: the item each takes."""
    fame = np.cumsum(world.creator_fame[world.title_creators] * (1 + random.pareto(1.5, world.titles)))
    famous = np.searchsorted(fame, random.random((len(users), OFFERED // 2)) * fame[-1], side="right")
    topics = world.creator_topics[world.title_creators, 0]
    by_topic, firsts = np.argsort(topics, kind="stable"), np.searchsorted(np.sort(topics), np.arange(len(TOPICS) + 1))
    low, high = (firsts[world.liked[users, 0] + step][:, None] for step in (0, 1))
    own = low + (random.random((len(users), OFFERED // 2)) ** 2 * np.maximum(1, high - low)).astype(np.int64)
    offered = np.concatenate([np.minimum(famous, world.titles - 1), by_topic[np.minimum(own, world.titles - 1)]], 1)
    creators = world.title_creators[offered]
    liking = world.liking(np.repeat(users, OFFERED), creators.ravel()).reshape(offered.shape)
    chosen = (np.log(liking) + random.gumbel(size=offered.shape)).argmax(axis=1)
    return offered[np.arange(len(users)), chosen].astype(np.int32)


def _again(random: np.random.Generator, users: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """Some acts are on what the same user took the time before; the acts stay in their order."""
    order = np.argsort(users, kind="stable")
    same = np.append(False, users[order][1:] == users[order][:-1])
    repeats = order[same & (random.random(len(users)) < AGAIN)]
    before = np.empty(len(users), np.int64)
    before[order[1:]] = order[:-1]
    changed = taken.copy()
    changed[repeats] = taken[before[repeats]]
    return changed


def _viewer(
    random: np.random.Generator, world: World, acts: Interactions, creators: np.ndarray, user: int, rows: np.ndarray
) -> Viewer:
    proposed = random.permutation(len(creators))[:200]
    return Viewer(
        user_id=f"u{user}", items=acts.items[rows].astype(np.int64), times=acts.times[rows],
        weights=acts.weights[rows], watched=acts.watched[rows], ratings=acts.ratings[rows],
        topics=tuple(TOPICS[topic] for topic in world.liked[user, :2]), followed=tuple(creators[proposed[:5]]),
        proposed=proposed, proposed_scores=(1 / np.arange(1, 201)).astype(np.float32), proposed_at=NOW - DAY // 4,
        traits=(_country(world, user),),
    )  # fmt: skip
