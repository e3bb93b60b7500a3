"""Sums over sliding windows of UTC days as SQL: every event is two deltas on one timeline per key.

An event adds its numbers to the key's running sums on the day it arrived and takes them back on the day that is a
window's length after the day it happened; one that arrives after that never enters. The state at the end of day D is
the running total up to D, so late events are exact and the cost is linear. Numbers are integers (fixed point where
they stand for fractions), summed as 128-bit integers: exact in any order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class DailyWindows:
    """What to sum, for which key, over which windows.

    keys: key column -> SQL over one event; events with a null key are left out.
    sums: name of an integer column of the events -> lengths of its windows in days. The state column is `<name>_<W>d`.
    once_a_day: names among `sums` that count a day once, however many events of that day are not zero.
    where: SQL over one event that chooses the events of the view.
    """

    keys: Mapping[str, str]
    sums: Mapping[str, tuple[int, ...]]
    once_a_day: frozenset[str] = field(default_factory=frozenset)
    where: str = "TRUE"

    @property
    def states(self) -> tuple[str, ...]:
        return tuple(f"{name}_{days}d" for name, windows in self.sums.items() for days in windows)

    @property
    def windows(self) -> tuple[int, ...]:
        return tuple(sorted({days for windows in self.sums.values() for days in windows}))


def running_sums(view: DailyWindows, events: str, last_day: int) -> str:
    """SQL of one row per key and day on which a sum changed: the keys, `day` (since 1970-01-01 UTC) and the states.

    events: a relation with `arrived` and `happened` (days since 1970, happened <= arrived), the key and sum columns.
    last_day: no later day is given.
    """
    keys = ", ".join(view.keys)
    given = f"{keys}, " if view.keys else ""
    partition = f"PARTITION BY {keys} " if view.keys else ""
    changed = " OR ".join(f"{state} <> 0" for state in view.states)
    running = ", ".join(f"sum({state}) OVER timeline AS {state}" for state in view.states)
    deltas = "\n  UNION ALL ".join([_arrivals(view, given), *(_departures(view, given, days) for days in view.windows)])
    return f"""
WITH tiles AS ({_tiles(view, events, given)}),
deltas AS (
  {deltas}
),
changes AS (
  SELECT {given}day, {", ".join(f"sum({state}) AS {state}" for state in view.states)}
  FROM deltas WHERE day <= {last_day} GROUP BY ALL HAVING {changed}
)
SELECT {given}day, {running} FROM changes
WINDOW timeline AS ({partition}ORDER BY day ROWS UNBOUNDED PRECEDING)"""


def _tiles(view: DailyWindows, events: str, given: str) -> str:
    """The events of a key that happened on one day and arrived on one day, as one row."""
    named = "".join(f"{expression} AS {key}, " for key, expression in view.keys.items())
    present = "".join(f" AND {key} IS NOT NULL" for key in view.keys)
    summed = ", ".join(f"sum({name}) AS {name}" for name in view.sums)
    plain = f"""
  SELECT {given}arrived, happened, {summed} FROM (
    SELECT {named}arrived, happened, {", ".join(view.sums)} FROM {events} WHERE {view.where}
  ) WHERE TRUE{present} GROUP BY ALL"""
    return plain if not view.once_a_day else _first_of_day(view, plain, given)


def _first_of_day(view: DailyWindows, tiles: str, given: str) -> str:
    """Among tiles that happened on one day, the first to arrive with events counts 1 and the others 0."""
    firsts = ", ".join(
        f"({name} <> 0 AND arrived = min(arrived) FILTER ({name} <> 0) OVER (PARTITION BY {given}happened))::HUGEINT"
        f" AS {name}"
        for name in sorted(view.once_a_day)
    )
    return f"SELECT * REPLACE ({firsts}) FROM ({tiles})"


def _arrivals(view: DailyWindows, given: str) -> str:
    columns = (
        f"CASE WHEN arrived < happened + {days} THEN {name} ELSE 0 END AS {name}_{days}d"
        for name, windows in view.sums.items()
        for days in windows
    )
    return f"SELECT {given}arrived AS day, {', '.join(columns)} FROM tiles"


def _departures(view: DailyWindows, given: str, days: int) -> str:
    columns = (
        f"{f'-{name}' if own == days else '0'} AS {name}_{own}d"
        for name, windows in view.sums.items()
        for own in windows
    )
    return f"SELECT {given}happened + {days}, {', '.join(columns)} FROM tiles WHERE arrived < happened + {days}"
