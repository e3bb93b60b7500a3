"""A windowed view's events: the rows of its SQL over the log's files, with times as whole microseconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from streamrank.windows import rows
from streamrank.windows.slots import Slot
from streamrank.windows.spec import WindowedView

FEW = 10_000  # instants, below which it is less work to leave events of other keys out than to order them too


@dataclass(frozen=True)
class Events:
    """A relation in SQL. Columns: keys k0, k1, ... in the order of the view's join keys, p (the position, which is
    the arrival), e (the event time, never above p), shard, and slot_0, ... as `windows.rows` gives them.

    types: DuckDB's of each join key.
    """

    sql: str
    keys: tuple[str, ...]
    types: Mapping[str, str]
    slots: tuple[Slot, ...]

    def slot(self, slot: Slot) -> str:
        """The column of a slot."""
        return f"slot_{self.slots.index(slot)}"

    def equal(self, left: str, right: str) -> str:
        """SQL of equal keys, to be followed by a further condition."""
        return "".join(f"{left}.{key} = {right}.{key} AND " for key in self.keys)

    def among(self, instants: str, count: int) -> "Events":
        """For `count` instants that are few, the events of their keys alone; else all. instants: has the keys."""
        keys = ", ".join(self.keys)
        narrow = f"(FROM {self.sql} SEMI JOIN (SELECT DISTINCT {keys} FROM {instants}) USING ({keys}))"
        return replace(self, sql=narrow) if count < FEW else self


def events_of(view: WindowedView, files: Sequence[str]) -> Events:
    """The events of `view` in the log's `files`; no files: a log without events."""
    types = {key: rows.KEY_TYPES.get(view.key_types[key], "VARCHAR") for key in view.join_keys}
    keys = tuple(f"k{place}" for place in range(len(types)))
    if not files:
        return Events(_nothing(view, types, keys), keys, types, view.slots)
    listed = ", ".join(map(_text, files))
    found = rows.sql(view, f"read_parquet([{listed}], hive_partitioning = true)")
    named = [f"{rows.quoted(name)} AS {key}" for name, key in zip(types, keys, strict=True)]
    slots = [f"slot_{place}" for place in range(len(view.slots))]
    stamps = ["log_position AS p", "least(event_us, log_position) AS e", "shard"]
    return Events(f"(SELECT {', '.join([*named, *stamps, *slots])} FROM ({found}))", keys, types, view.slots)


def tile_sql(instant: str, slide_us: int) -> str:
    """SQL of floor(instant / slide), also before 1970."""
    return f"(({instant} - ({instant} % {slide_us} + {slide_us}) % {slide_us}) // {slide_us})"


def _nothing(view: WindowedView, types: Mapping[str, str], keys: Sequence[str]) -> str:
    named = [f"NULL::{kind} AS {key}" for kind, key in zip(types.values(), keys, strict=True)]
    stamps = ["NULL::BIGINT AS p", "NULL::BIGINT AS e", "NULL::INTEGER AS shard"]
    slots = [
        f"NULL::{'BIGINT' if slot.function in ('count', 'sum') else 'DOUBLE'} AS slot_{place}"
        for place, slot in enumerate(view.slots)
    ]
    return f"(SELECT {', '.join([*named, *stamps, *slots])} WHERE false)"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
