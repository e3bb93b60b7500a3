"""Reasons in `streamrank demo`: for a known user, for a new one with five picks, and for an item that starts now."""

import json
import time

import typer

PATIENCE_SECONDS = 60.0
SHOWN, ASKED, PICKS = 5, 200, 5
NEW_USER, NEW_ITEM = 900_001, 900_001


class NotFound(RuntimeError):
    """A new item was not recommended in time; the message says how long was waited."""


def known_user(url: str, user_id: str, data) -> None:
    """Asks for a warm user's list with reasons, and prints it."""
    from cli import serve

    user = serve.original(user_id, data.manifest().user_ids, "user_id")
    _asked(url, {"user_id": user, "k": SHOWN, "explain": True}, data)


def new_user(url: str, data) -> None:
    """Asks for a user whom nobody has ever seen, who picked five items of one topic."""
    from cli import serve

    manifest, known = data.manifest(), serve.titles(data)
    topic, picked = _picks(data)
    typer.echo(f"A new user picks five of {topic or 'the most watched'}:")
    typer.echo("  " + ", ".join(known.get(item_id) or item_id for item_id in picked))
    user = serve.original(str(NEW_USER), manifest.user_ids, "user_id")
    items = [serve.original(item_id, manifest.item_ids, "picked") for item_id in picked]
    _asked(url, {"user_id": user, "picked": items, "k": SHOWN, "explain": True}, data)


def new_item(url: str, user_id: str, data) -> None:
    """Publishes the start of an item that no model has seen, and asks until it is found; NotFound after a minute."""
    from rich.console import Console

    from cli import serve
    from cli.reasons import reasons

    manifest = data.manifest()
    item = serve.original(str(NEW_ITEM), manifest.item_ids, "item_id")
    body = {"user_id": serve.original(user_id, manifest.user_ids, "user_id"), "k": ASKED, "explain": True}
    topics = _start(data, user_id)
    begin = time.monotonic()
    typer.echo(f"item_start of item {item}, {' and '.join(topics) or 'of no topic'}, at this moment")
    while not (found := [each for each in serve.ask(url, body)["items"] if each["item_id"] == item]):
        if time.monotonic() - begin > PATIENCE_SECONDS:
            raise NotFound(f"item {item} was not recommended within {PATIENCE_SECONDS:.0f} s: see stream.log")
        time.sleep(0.02)
    seconds = time.monotonic() - begin
    typer.echo(f"recommended to user {user_id} {seconds:.2f} s later, as number {found[0]['rank']}:")
    for line in reasons(found, {str(item): "A premiere"}):
        Console().print(line, highlight=False)


def _asked(url: str, body: dict, data) -> None:
    from cli import serve

    typer.echo(f"POST {url}/recommend {json.dumps(body)}")
    serve.show(serve.ask(url, body), serve.titles(data), str(body["user_id"]))


def _picks(data) -> tuple[str | None, list[str]]:
    """A topic that many watch, and the five of its items that are watched most; of all items where none has a topic."""
    rows = _query(data, PICKED)
    return (rows[0][0], [item_id for _, item_id in rows]) if rows else (None, [])


def _start(data, user_id: str) -> list[str]:
    """Publishes an item_start of the topics that a user watches most; these topics."""
    import pyarrow as pa

    from catalog.bus import open_bus
    from catalog.publishing import open_door, publish
    from streamrank import clock

    topics = [topic for (topic,) in _query(data, LIKED, user_id)]
    told = json.dumps({"topics": topics, "title": "A premiere", "kind": "live"})
    now = pa.array([clock.now_us()], pa.timestamp("us", tz="UTC"))
    event = {"event_type": ["item_start"], "item_id": [str(NEW_ITEM)], "event_time": now, "attributes": [told]}
    bus = open_bus()
    publish(bus, pa.table(event), open_door(data, bus))
    return topics


def _query(data, sql: str, *values: str) -> list[tuple]:
    import duckdb

    from streamrank.events.log import EventLog

    with duckdb.connect() as connection:
        connection.read_parquet(EventLog(data.events).files()).create_view("acts")
        connection.read_parquet(str(data.items)).create_view("items")
        return connection.execute(sql, list(values)).fetchall()


PICKED = f"""
WITH watched AS (SELECT item_id, count(*) AS acts FROM acts WHERE item_id IS NOT NULL GROUP BY ALL),
of_topic AS (SELECT items.topics[1] AS topic, item_id, acts FROM items JOIN watched USING (item_id)),
chosen AS (SELECT topic FROM of_topic GROUP BY topic HAVING count(*) >= 2 * {PICKS}
           ORDER BY sum(acts) / count(*) DESC, topic LIMIT 1)
SELECT of_topic.topic, item_id FROM of_topic JOIN chosen ON of_topic.topic IS NOT DISTINCT FROM chosen.topic
ORDER BY acts DESC, item_id LIMIT {PICKS}"""
LIKED = """
SELECT topic FROM (SELECT unnest(items.topics) AS topic FROM acts JOIN items USING (item_id) WHERE acts.user_id = ?)
GROUP BY topic ORDER BY count(*) DESC, topic LIMIT 2"""
