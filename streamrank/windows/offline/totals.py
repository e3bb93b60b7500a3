"""Counts and sums as of instants, in time linear in instants plus events.

An event adds its values at its position p and takes them back when its tile leaves the window, at (tile + 1 +
slides) * slide; one that comes later than that adds and takes back at p, so never enters. Each such change goes to
the first instant asked that is not before it, by one ASOF join a window; running totals over the instants are the
answer. Of equal instants one takes the change, and RANGE gives it to all of them.
"""

from collections.abc import Sequence

from streamrank.windows.offline.asked import LIFETIME, Measure, Window
from streamrank.windows.offline.events import Events, tile_sql
from streamrank.windows.slots import Slot


def total_tables(events: Events, instants: str, measures: Sequence[Measure], name: str) -> list[str]:
    """Common table expressions, the last of which is `name`: g and m0, m1, ..., BIGINT, never null.

    instants: a relation of keys, t (microseconds) and a number g. measures: counts and sums, each once.
    """
    windows = list(dict.fromkeys(measure.window for measure in measures if measure.window != LIFETIME))
    slots = {LIFETIME: list(dict.fromkeys(measure.slot for measure in measures))}
    slots |= {window: [measure.slot for measure in measures if measure.window == window] for window in windows}
    moments = {LIFETIME: "p"} | {window: _leaving(window) for window in windows}
    places = {window: f"{name}_{place}" for place, window in enumerate(moments)}
    changes = [
        f"{places[window]} AS MATERIALIZED ({_changes(events, instants, slots[window], moment)})"
        for window, moment in moments.items()
    ]
    return [*changes, f"{name} AS MATERIALIZED ({_running(events, instants, measures, slots, places)})"]


def _leaving(window: Window) -> str:
    return f"greatest(p, ({tile_sql('e', window.slide_us)} + {1 + window.slides}) * {window.slide_us})"


def _changes(events: Events, instants: str, slots: Sequence[Slot], moment: str) -> str:
    sums = ", ".join(f"sum({events.slot(slot)})::BIGINT AS {events.slot(slot)}" for slot in slots)
    return (
        f"SELECT r.g, {sums} FROM (SELECT *, {moment} AS moment FROM {events.sql}) l "
        f"ASOF JOIN {instants} r ON {events.equal('l', 'r')}l.moment <= r.t GROUP BY r.g"
    )


def _running(
    events: Events,
    instants: str,
    measures: Sequence[Measure],
    slots: dict[Window, list[Slot]],
    places: dict[Window, str],
) -> str:
    def change(measure: Measure, window: Window) -> str:
        return f"coalesce({places[window]}.{events.slot(measure.slot)}, 0)"

    changes = [
        change(measure, LIFETIME) + (f" - {change(measure, measure.window)}" if measure.window != LIFETIME else "")
        for measure in measures
    ]
    sums = ", ".join(f"(sum({text}) OVER running)::BIGINT AS m{place}" for place, text in enumerate(changes))
    joins = "".join(f" LEFT JOIN {table} ON {table}.g = i.g" for table in places.values())
    keys = ", ".join(f"i.{key}" for key in events.keys)
    return (
        f"SELECT i.g, {sums} FROM {instants} i{joins} WINDOW running AS "
        f"(PARTITION BY {keys} ORDER BY i.t RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    )
