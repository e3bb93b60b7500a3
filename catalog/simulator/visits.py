"""What users do: they come, are shown some items, click on what they like, watch it, and say so.

All visits that begin in one slice of time are drawn at once, and everything they will lead to.
"""

from dataclasses import dataclass

import numpy as np

from catalog.simulator.events import KIND, Events, events
from catalog.simulator.shows import MINUTE, Items
from catalog.simulator.world import TOPICS, World
from streamrank.clock import SECOND

SHOWN = 6  # impressions of a visit
PER_VISIT = 1_024  # numbers that a visit's events may have
CLICK, ENTER, LEAVE, VIEW, FIRST_PING = 16, 17, 18, 19, 64
OUTCOMES = {"like": (24, 0.5), "follow": (25, 0.12), "share": (26, 0.08), "comment": (27, 0.15), "notify": (28, 0.05)}
LONGEST = 15 * MINUTE
PING = MINUTE
VANISH = 0.08  # share of viewers who are gone without a word
HOME, SPIKE = 0, 3  # surfaces


@dataclass(frozen=True)
class Visits:
    """n visits. times: us. users: int32. first: number of each one's first event. items: place of the one that everyone
    comes for, or None where each chooses."""

    times: np.ndarray
    users: np.ndarray
    first: np.ndarray
    item: int | None = None


def visits_of(random: np.random.Generator, world: World, count: int, start_us: int, end_us: int, first: int) -> Visits:
    """`count` visits at random moments, by users of whom some come far more often than others."""
    times = np.sort(random.integers(start_us, end_us, count))
    users = (random.random(count) ** 2 * world.users).astype(np.int32)
    return Visits(times, users, first + np.arange(count, dtype=np.int64) * PER_VISIT)


def events_of(random: np.random.Generator, world: World, items: Items, visits: Visits) -> Events:
    """Everything that the visits lead to, in no order."""
    on_air = items.on_air(int(visits.times[0])) if len(visits.times) else np.zeros(0, np.int64)
    if visits.item is not None:
        return _watched(random, world, items, visits, np.full(len(visits.times), visits.item), SPIKE, None)
    if not len(on_air):
        return Events.none()
    shown = _shown(random, world, items, visits, on_air)
    surface = random.integers(3, size=len(visits.times)).astype(np.int8)
    liking = world.liking(np.repeat(visits.users, SHOWN), items.creators[shown].ravel()).reshape(shown.shape)
    new = _first_mentions(shown)
    clicks = new & (random.random(shown.shape) < liking * 0.5)
    clicked = np.flatnonzero(clicks.any(axis=1))
    slot = clicks.argmax(axis=1)[clicked]
    some = Visits(visits.times[clicked], visits.users[clicked], visits.first[clicked])
    watched = _watched(random, world, items, some, shown[clicked, slot], surface[clicked], slot)
    return Events.of(_impressions(visits, shown, surface, new), watched)


def _shown(random: np.random.Generator, world: World, items: Items, visits: Visits, on_air: np.ndarray) -> np.ndarray:
    """int64 [visits, SHOWN]: half of them famous, half of the topic that the user likes most, where there are any."""
    count = len(visits.times)
    topics = world.creator_topics[items.creators[on_air], 0]
    by_topic = on_air[np.argsort(topics, kind="stable")]
    shares = np.cumsum(items.fame[by_topic])
    ends = np.searchsorted(np.sort(topics), np.arange(len(TOPICS) + 1))
    bounds = np.concatenate([[0.0], shares])[ends]
    low, high = bounds[world.liked[visits.users, 0]], bounds[world.liked[visits.users, 0] + 1]
    nothing = low == high
    low, high = np.where(nothing, 0.0, low), np.where(nothing, shares[-1], high)
    drawn = random.random((count, SHOWN))
    drawn[:, : SHOWN // 2] *= shares[-1]
    drawn[:, SHOWN // 2 :] = low[:, None] + drawn[:, SHOWN // 2 :] * (high - low)[:, None]
    return by_topic[np.minimum(np.searchsorted(shares, drawn, side="right"), len(by_topic) - 1)]


def _first_mentions(shown: np.ndarray) -> np.ndarray:
    """bool [visits, SHOWN]: nothing is shown twice in one list."""
    same = shown[:, :, None] == shown[:, None, :]
    return ~np.tril(same, -1).any(axis=2)


def _impressions(visits: Visits, shown: np.ndarray, surface: np.ndarray, new: np.ndarray) -> Events:
    of, slots = np.nonzero(new)
    return events(
        KIND["impression"], visits.times[of], visits.users[of], shown[new], visits.first[of] + slots,
        visit=visits.first[of], slot=slots + 1, surface=surface[of],
    )  # fmt: skip


def _watched(
    random: np.random.Generator, world: World, items: Items, visits: Visits, watched: np.ndarray,
    surface: np.ndarray | int, slot: np.ndarray | None,
) -> Events:  # fmt: skip
    """From the click on: how long someone watches and what they say of it follows from how much they like it."""
    count = len(watched)
    liking = world.liking(visits.users, items.creators[watched])
    surface = np.broadcast_to(np.asarray(surface, np.int8), count)
    entered = visits.times + random.integers(SECOND // 2, 5 * SECOND, count)
    wanted = (random.exponential(1.0, count) * (0.3 + 2 * liking) * 3 * MINUTE).astype(np.int64) + SECOND
    left = np.minimum(entered + np.minimum(wanted, LONGEST), items.ends[watched])
    parts = [_clicks(visits, watched, surface, slot, entered)]
    there = left > entered
    live = there & (watched >= items.titles)
    stays = live & (left < items.ends[watched]) & (random.random(count) >= VANISH)  # to leave, the show must go on

    def add(kind: str, mask: np.ndarray, times: np.ndarray, code: int, **more: np.ndarray) -> None:
        more = {name: values[mask] for name, values in more.items()}
        parts.append(events(
            KIND[kind], times[mask], visits.users[mask], watched[mask], visits.first[mask] + code,
            visit=visits.first[mask], surface=surface[mask], **more,
        ))  # fmt: skip

    add("viewer_enter", live, entered, ENTER)
    add("viewer_leave", stays, left, LEAVE)
    watch_ms = (left - entered) // 1_000
    add("view", there, left, VIEW, watch_ms=watch_ms)
    moment = entered + (random.random(count) * (left - entered)).astype(np.int64)
    for kind, (code, much) in OUTCOMES.items():
        add(kind, there & (random.random(count) < liking * much), moment + code * 1_000, code)
    parts.append(_pings(visits, watched, surface, entered, np.where(live, left, entered)))
    return Events.of(*parts)


def _clicks(
    visits: Visits, watched: np.ndarray, surface: np.ndarray, slot: np.ndarray | None, entered: np.ndarray
) -> Events:
    answered = visits.first + slot if slot is not None else None
    return events(
        KIND["click"], entered - SECOND // 4, visits.users, watched, visits.first + CLICK, visit=visits.first,
        slot=slot + 1 if slot is not None else None, surface=surface, answered=answered,
    )  # fmt: skip


def _pings(visits: Visits, watched: np.ndarray, surface: np.ndarray, entered: np.ndarray, left: np.ndarray) -> Events:
    """A sign of life each minute between entering and leaving."""
    each = np.maximum((left - entered - 1) // PING, 0)
    of = np.repeat(np.arange(len(each)), each)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(each) - each, each) + 1
    return events(
        KIND["viewer_ping"], entered[of] + nth * PING, visits.users[of], watched[of],
        visits.first[of] + FIRST_PING + nth, visit=visits.first[of], surface=surface[of],
    )  # fmt: skip
