"""The live part of `streamrank demo`: a stream in the background, events that change a rank, and the time it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import typer

PATIENCE_SECONDS = 60.0
WATCHERS, WATCHED = 40, 5


class StreamFailed(RuntimeError):
    """The stream did not come up or did not keep up; the message says what it printed."""


@dataclass(frozen=True)
class Change:
    """before, after: answers of the service, the latter once all events are in. item: whose rank changed.

    events: how many were published between. seconds: from then to the first answer with another rank.
    """

    before: dict
    after: dict
    item: object
    events: int
    seconds: float


@contextmanager
def streaming() -> Iterator[None]:
    """`streamrank stream` in a process of its own for the length of the block."""
    import subprocess
    import sys

    from streamrank.environment import CHECKOUT
    from streamrank.settings import settings

    log = settings().home / "stream.log"
    command = [sys.executable, "-m", "cli.main", "stream"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=CHECKOUT, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    try:
        yield
        if process.poll() is not None:
            raise StreamFailed(f"`streamrank stream` ended; the end of {log}:\n{log.read_text()[-2000:]}")
    finally:
        process.terminate()
        process.wait()


def await_worker() -> None:
    """Waits until a worker lives."""
    from catalog.bus import open_bus
    from streamrank.stream.leases import Leases

    bus, deadline = open_bus(), time.monotonic() + PATIENCE_SECONDS
    while not Leases(bus.connection, bus.project, "demo", 3_000_000).beat(alive=False):
        if time.monotonic() > deadline:
            raise StreamFailed(f"no worker came up within {PATIENCE_SECONDS:.0f} s: see stream.log")
        time.sleep(0.05)


def await_applied(consumers: tuple[str, ...] = ("windows",)) -> float:
    """Waits until all that is on the bus is in the windows (and in the log, for consumer "log"); how many seconds."""
    from catalog.bus import open_bus

    bus, begin = open_bus(), time.monotonic()
    ends = bus.ends()
    while any((bus.committed(consumer) < ends).any() for consumer in consumers):
        if time.monotonic() - begin > PATIENCE_SECONDS:
            raise StreamFailed(f"events on the bus were not applied within {PATIENCE_SECONDS:.0f} s: see stream.log")
        time.sleep(0.01)
    return time.monotonic() - begin


def change_a_rank(url: str, user_id: str, data) -> Change:
    """Has the user watch films of one topic, and others watch one film, and asks until that film's rank changes."""
    from catalog.bus import open_bus
    from catalog.publishing import open_door, publish
    from cli import serve

    body = {"user_id": serve.original(user_id, data.manifest().user_ids, "user_id"), "k": 200}
    items = [each["item_id"] for each in serve.ask(url, body)["items"]]
    body["candidates"] = items  # given ones come in the ranker's own order: nothing moves by what is explored
    before = serve.ask(url, body)
    item = before["items"][min(9, len(before["items"]) - 1)]["item_id"]
    bus = open_bus()
    events = _events(data, user_id, str(item))
    door = open_door(data, bus)
    publish(bus, events, door)
    begin = time.monotonic()
    while True:
        after = serve.ask(url, body)
        seconds = time.monotonic() - begin
        if rank_of(after, item) != rank_of(before, item):
            await_applied()
            return Change(before, serve.ask(url, body), item, events.num_rows, seconds)
        if seconds > PATIENCE_SECONDS:
            raise StreamFailed(
                f"the rank of item {item} did not change within {PATIENCE_SECONDS:.0f} s: see stream.log"
            )


def rank_of(answer: dict, item: object) -> int | None:
    return next((each["rank"] for each in answer["items"] if each["item_id"] == item), None)


def show_change(change: Change, titles: dict[str, str], user_id: str) -> None:
    """The first ten before and after, and how long it took."""
    from rich.console import Console
    from rich.table import Table

    table = Table("rank", "before", "after", title=f"for user {user_id}", title_justify="left")
    pairs = zip(change.before["items"][:10], change.after["items"][:10], strict=True)
    for rank, pair in enumerate(pairs, 1):
        names = (titles.get(str(each["item_id"])) or str(each["item_id"]) for each in pair)
        marked = (f"[bold]{name}[/bold]" if each["item_id"] == change.item else name
                  for name, each in zip(names, pair, strict=True))  # fmt: skip
        table.add_row(str(rank), *marked)
    Console().print(table)
    name = titles.get(str(change.item)) or change.item
    was, became = rank_of(change.before, change.item), rank_of(change.after, change.item)
    typer.echo(
        f"{name}: from rank {was} to {became}. It moved {change.seconds:.3f} s after {change.events} events "
        f"were published:\n{WATCHERS} others watch it, and the user watches {change.events - WATCHERS} of its topic."
    )


def _events(data, user_id: str, item_id: str):
    """Views that happen now: of the item by others, and of other items of its topic by the user."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from catalog.sql import query
    from streamrank import clock

    items = pq.read_table(data.items, columns=["item_id", "topics"])
    users = pq.read_table(data.users, columns=["user_id"])
    sql = f"""
SELECT user_id, '{item_id}' AS item_id FROM (FROM users WHERE user_id <> '{user_id}' ORDER BY user_id LIMIT {WATCHERS})
UNION ALL SELECT '{user_id}', item_id FROM (
    FROM items WHERE list_has_any(topics, (SELECT topics[1:1] FROM items WHERE item_id = '{item_id}'))
        AND item_id <> '{item_id}' ORDER BY item_id LIMIT {WATCHED})"""
    who = query(sql, items=items, users=users)
    now = pa.repeat(pa.scalar(clock.now_us(), pa.timestamp("us", tz="UTC")), who.num_rows)
    return who.append_column("event_time", now).append_column("value", pa.repeat(5.0, who.num_rows))
