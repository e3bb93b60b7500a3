"""Simulated events in words: the neutral layout, with ids as text and what an item event says as JSON."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.schema import EVENT_TYPES, INSTANT, ITEMS, PUBLISHED, TOPICS, USERS
from catalog.simulator.events import NONE, Events
from catalog.simulator.shows import Items
from catalog.simulator.world import TOPICS as TOPIC_NAMES
from catalog.simulator.world import World
from streamrank.clock import SECOND

SURFACES = ("home", "live", "search", "push")
DEVICES = ("phone", "tv", "web")
TITLE, ANNOUNCED, BEGINS, ENDS = range(4)  # phases
OFFERED = pa.schema([*PUBLISHED, pa.field("arrived_at", INSTANT)])


class Teller:
    """Turns numbers into text for one run; `run` keeps the ids of different runs apart."""

    def __init__(self, world: World, items: Items, run: str) -> None:
        self._world, self._items, self._run = world, items, run
        self._item_ids = item_ids(world, items)
        self._attributes = {phase: attributes_of(world, items, phase) for phase in (TITLE, ANNOUNCED, BEGINS)}

    def told(self, events: Events) -> pa.Table:
        """The events in their order, as a table of OFFERED; creators and topics are left to the door."""
        rows = events.rows
        users = rows["user"]
        columns = {
            "event_id": self._numbered(rows["number"]),
            "event_time": pa.array(rows["time"]).cast(INSTANT),
            "event_type": _among(EVENT_TYPES, rows["kind"]),
            "user_id": user_ids(self._world, users),
            "item_id": self._item_ids.take(pa.array(rows["item"])),
            "request_id": self._numbered(rows["visit"]),
            "impression_id": self._numbered(rows["answered"]),
            "slot": pa.array(rows["slot"].astype(np.int32), mask=rows["slot"] == NONE),
            "watch_ms": pa.array(rows["watch_ms"], mask=rows["watch_ms"] == NONE),
            "surface": _among(SURFACES, rows["surface"]),
            "device": _among(DEVICES, np.where(users == NONE, NONE, users % len(DEVICES))),
            "attributes": self._said(rows),
            "arrived_at": pa.array(rows["arrival"]).cast(INSTANT),
        }
        return pa.table([columns.get(field.name, pa.nulls(len(rows), field.type)) for field in OFFERED], schema=OFFERED)

    def _numbered(self, numbers: np.ndarray) -> pa.Array:
        text = pa.array(numbers, mask=numbers == NONE).cast(pa.string())
        return pc.binary_join_element_wise(self._run, text, "-")

    def _said(self, rows: np.ndarray) -> pa.Array:
        said = pa.nulls(len(rows), pa.string())
        for phase, texts in self._attributes.items():
            mask = rows["phase"] == phase
            if mask.any():
                said = pc.replace_with_mask(said, mask, texts.take(pa.array(rows["item"][mask])))
        return said


def user_ids(world: World, users: np.ndarray) -> pa.Array:
    return _prefixed("" if world.integer_ids else "u", pa.array(users, mask=users == NONE))


def creator_ids(world: World, creators: np.ndarray) -> pa.Array:
    return _prefixed("c", pa.array(creators))


def item_ids(world: World, items: Items) -> pa.Array:
    kinds = ("", "") if world.integer_ids else ("title", "show")
    titles, shows = pa.array(items.numbers[: items.titles]), pa.array(items.numbers[items.titles :])
    return pa.concat_arrays([_prefixed(kinds[0], titles), _prefixed(kinds[1], shows)])


def attributes_of(world: World, items: Items, phase: int) -> pa.Array:
    """string [items]: what an item event of this phase says, a JSON object. A show keeps its end to itself until it
    begins."""
    title = _titles(items)
    main, second = (_among(TOPIC_NAMES, world.creator_topics[items.creators, place]) for place in (0, 1))
    kind = pa.array(np.where(np.arange(len(items)) < items.titles, "on_demand", "live"))
    parts = [
        '{"creator_id": "', creator_ids(world, items.creators), '", "topics": ["', main, '", "', second,
        '"], "title": "', title, '", "kind": "', kind, '"',
    ]  # fmt: skip
    if phase != TITLE:
        parts += [', "available_from": "', _iso(items, items.starts), '"']
    if phase == BEGINS:
        parts += [', "available_until": "', _iso(items, items.planned_ends), '"']
    return pc.binary_join_element_wise(*parts, "}", "")


def items_table(world: World, items: Items) -> pa.Table:
    """The items in the layout of ITEMS; a show until when it was said to last."""
    show = np.arange(len(items)) >= items.titles
    topics = [_among(TOPIC_NAMES, world.creator_topics[items.creators, place]) for place in (0, 1)]
    pairs = pc.binary_join_element_wise(*topics, "|")
    columns = {
        "item_id": item_ids(world, items),
        "creator_id": creator_ids(world, items.creators),
        "topics": pc.split_pattern(pairs, "|").cast(TOPICS),
        "title": _titles(items),
        "kind": pa.array(np.where(show, "live", "on_demand")),
        "available_from": pa.array(items.starts, mask=~show).cast(INSTANT),
        "available_until": pa.array(items.planned_ends, mask=~show).cast(INSTANT),
    }
    return pa.table([columns.get(field.name, pa.nulls(len(items), field.type)) for field in ITEMS], schema=ITEMS)


def users_table(world: World) -> pa.Table:
    """The users in the layout of USERS, each stating the topic that they like most."""
    stated = _among(TOPIC_NAMES, world.liked[:, 0])
    topics = pa.ListArray.from_arrays(pa.array(np.arange(world.users + 1, dtype=np.int32)), stated)
    ids = user_ids(world, np.arange(world.users, dtype=np.int32))
    columns = {"user_id": ids, "topics": topics.cast(TOPICS)}
    return pa.table([columns.get(field.name, pa.nulls(world.users, field.type)) for field in USERS], schema=USERS)


def _titles(items: Items) -> pa.Array:
    return pc.binary_join_element_wise("Number", pa.array(items.numbers).cast(pa.string()), " ")


def _iso(items: Items, times: np.ndarray) -> pa.Array:
    """ISO text; a title has no such time, and what stands for it is never told."""
    seconds = np.where(np.arange(len(items)) < items.titles, 0, times // SECOND)
    return pc.strftime(pa.array(seconds).cast(pa.timestamp("s")), "%Y-%m-%dT%H:%M:%SZ")


def _among(names: tuple[str, ...], codes: np.ndarray) -> pa.Array:
    return pa.array(names).take(pa.array(codes, mask=codes == NONE))


def _prefixed(prefix: str, numbers: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(prefix, numbers.cast(pa.string()), "")
