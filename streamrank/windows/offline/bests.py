"""Least, greatest and last values as of instants: these cannot be taken back, so they are looked up tile by tile.

Per tile the best value so far, event by event, is one ASOF join away from every instant and tile of its window. A
lifetime is one tile; and the last value of all by a time is in its window, or nothing is.
"""

from collections.abc import Sequence

from streamrank.windows.offline.asked import LIFETIME, Measure
from streamrank.windows.offline.events import Events, tile_sql
from streamrank.windows.slots import Slot


def best_tables(
    events: Events, lookups: str, measures: Sequence[Measure], name: str, by: tuple[str, ...] = ()
) -> list[tuple[str, list[str]]]:
    """For each of `measures` the name of a relation of g and value (DOUBLE), and its common table expressions.

    lookups: a relation of keys, the columns `by`, t, known (the position up to which events count) and a number g.
    by: further columns by which events are told apart; with them events may count that lie after t.
    """
    found = []
    for place, measure in enumerate(measures):
        own = f"{name}_{place}"
        tiled = measure.window != LIFETIME and (bool(by) or measure.slot.function != "last")
        tables = [
            f"{own}_best AS MATERIALIZED ({_best(events, measure, tiled, by)})",
            f"{own} AS MATERIALIZED ({_looked_up(events, lookups, measure, tiled, by, own)})",
        ]
        found.append((own, tables))
    return found


def _best(events: Events, measure: Measure, tiled: bool, by: Sequence[str]) -> str:
    tile = tile_sql("e", measure.window.slide_us) if tiled else "0"
    column = events.slot(measure.slot)
    value = f"{{'e': e, 'p': p, 'v': {column}}}" if measure.slot.function == "last" else column
    rows = (
        f"SELECT {', '.join([*events.keys, *by])}, p, {tile} AS tile, {value} AS value FROM {events.sql} "
        f"WHERE {column} IS NOT NULL"
    )
    return (
        f"SELECT * EXCLUDE (value), {_function(measure.slot)}(value) OVER (PARTITION BY "
        f"{', '.join([*events.keys, *by])}, tile ORDER BY p) AS best FROM ({rows})"
    )


def _looked_up(events: Events, lookups: str, measure: Measure, tiled: bool, by: Sequence[str], own: str) -> str:
    slide, slides = measure.window.slide_us, measure.window.slides
    function, best = _function(measure.slot), "r.best"
    now = tile_sql("t", slide) if slide else ""
    if tiled:
        keys = ", ".join([*events.keys, *by, "tile"])
        places = f"SELECT *, unnest(range({now} - {slides}, {now} + 1)) AS tile FROM {lookups}"
        asked = f"(SELECT * FROM ({places}) SEMI JOIN {own}_best USING ({keys}))"
    else:
        asked = f"(SELECT *, 0 AS tile FROM {lookups})"
    equal = events.equal("l", "r") + "".join(f"l.{name} = r.{name} AND " for name in [*by, "tile"])
    within = ""
    if measure.slot.function == "last" and slide and not tiled:
        within = f" WHERE {best}.e >= ({tile_sql('l.t', slide)} - {slides}) * {slide}"
    value = f"{function}({best})" + (".v" if measure.slot.function == "last" else "")
    return (
        f"SELECT l.g, {value} AS value FROM {asked} l ASOF JOIN {own}_best r ON {equal}l.known >= r.p"
        f"{within} GROUP BY l.g"
    )


def _function(slot: Slot) -> str:
    return "min" if slot.function == "min" else "max"
