"""What totals must be corrected by where not the time but an applied position of each shard says which events count.

Of every key and shard the events between the position and the time are found by their number in it, which an ASOF join
gives for both ends; on a worker that keeps up they are few.
"""

from collections.abc import Sequence

from streamrank.windows.offline.asked import LIFETIME, Measure
from streamrank.windows.offline.events import Events, tile_sql


def correction_tables(events: Events, lookups: str, measures: Sequence[Measure], name: str) -> list[str]:
    """Common table expressions, the last of which is `name`: g and m0, m1, ... to be added; g without any is absent.

    lookups: a relation of keys, shard, t, known (the applied position) and a number g.
    """
    keys = ", ".join([*events.keys, "shard"])
    equal = events.equal("l", "r") + "l.shard = r.shard AND "
    numbered = (
        f"SELECT *, dense_rank() OVER (PARTITION BY {keys} ORDER BY p) AS n FROM {events.sql} "
        f"SEMI JOIN {lookups} USING ({keys})"
    )
    found = f"ASOF LEFT JOIN {name}_numbered r ON {equal}"
    ends = f"SELECT l.*, coalesce(r.n, 0) AS applied FROM {lookups} l {found}l.known >= r.p"
    both = f"SELECT l.*, coalesce(r.n, 0) AS due FROM ({ends}) l {found}l.t >= r.p"
    between = (
        f"SELECT * EXCLUDE (applied, due), unnest(range(least(applied, due) + 1, greatest(applied, due) + 1)) AS n, "
        f"sign(applied - due) AS sign FROM ({both}) WHERE applied <> due"
    )
    sums = ", ".join(f"{_sum(events, measure)} AS m{place}" for place, measure in enumerate(measures))
    return [
        f"{name}_numbered AS MATERIALIZED ({numbered})",
        f"{name} AS MATERIALIZED (SELECT l.g, {sums} FROM ({between}) l JOIN {name}_numbered r "
        f"ON {equal}l.n = r.n GROUP BY l.g)",
    ]


def _sum(events: Events, measure: Measure) -> str:
    total = f"sum(l.sign * r.{events.slot(measure.slot)})"
    if measure.window != LIFETIME:
        slide = measure.window.slide_us
        then, now = tile_sql("r.e", slide), tile_sql("l.t", slide)
        total += f" FILTER ({then} BETWEEN {now} - {measure.window.slides} AND {now})"
    return f"coalesce({total}, 0)::BIGINT"
