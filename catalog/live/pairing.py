"""Viewers' signs become sessions: entering and leaving are paired by user and item, whole batches at a time.

Per viewer of an item, in the order of arrival: the first enter or ping begins a session, further ones renew it, a
leave ends it. Where none came for SILENCE_US by arrival, the viewer had left at the last one. Where the item ended,
the viewer has left, and no later sign counts. A session lasts from the event time of its first sign to that of its end.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.live.viewers import VIEWERS, names_of
from streamrank.events.shards import NEVER, SHARDS

SILENCE_US = 300_000_000
SIGNS = ("viewer_enter", "viewer_ping", "viewer_leave")
ENDED_ITEMS = pa.schema([("item_id", pa.string()), ("ended_a", pa.int64()), ("ended_e", pa.int64())])

_HELD, _SEEN, _LEFT, _ENDED = 0, 1, 2, 3
_BEFORE_ALL = np.full(SHARDS, NEVER)


@dataclass(frozen=True)
class Paired:
    """started: the sessions that began, as VIEWERS. closed: those that ended, with `ended_e` (us) behind.

    started_a, closed_a: int64, the arrival that made it so, in whose order the two follow each other.
    open: the viewers who are in now, of those that were given or came. gone: given ones who are not in any more.
    """

    started: pa.Table
    started_a: np.ndarray
    closed: pa.Table
    closed_a: np.ndarray
    open: pa.Table
    gone: pa.Table


def pair(held: pa.Table, events: pa.Table, ended: pa.Table, horizons: np.ndarray = _BEFORE_ALL) -> Paired:
    """held: open sessions (VIEWERS), one a viewer and item. events: signs with their stamps, newer than what is held.

    ended: items that have ended, by the arrival and the event time of their end (ENDED_ITEMS).
    horizons: int64 [SHARDS], up to which arrival all signs of a shard are there. Who is silent then has left, and what
    ended later than that has not ended yet.
    """
    rows = _rows(held, events, ended, horizons)
    rows = rows.taken(_alive(rows))
    breaks = _breaks(rows)
    return _Segments(rows, np.flatnonzero(breaks), horizons).paired(_sources(held, events), held)


@dataclass(frozen=True)
class _Rows:
    """Signs sorted by viewer and arrival: who (code), what (kind), when (a, e), and the row of `_sources` it is of."""

    code: np.ndarray
    kind: np.ndarray
    a: np.ndarray
    e: np.ndarray
    source: np.ndarray

    def taken(self, places: np.ndarray) -> "_Rows":
        return _Rows(self.code[places], self.kind[places], self.a[places], self.e[places], self.source[places])


def _rows(held: pa.Table, events: pa.Table, ended: pa.Table, horizons: np.ndarray) -> _Rows:
    items = pa.chunked_array([*held["item_id"].chunks, *events["item_id"].chunks], pa.string())
    users = pa.chunked_array([*held["user_id"].chunks, *events["user_id"].chunks], pa.string())
    code = names_of(users, items).dictionary_encode().indices.to_numpy()
    left = pc.equal(events["event_type"], "viewer_leave").to_numpy()
    kind = np.concatenate([np.full(len(held), _HELD), np.where(left, _LEFT, _SEEN)])
    a = np.concatenate([held["seen_a"].to_numpy(), events["log_position"].to_numpy()])
    e = np.concatenate([held["seen_e"].to_numpy(), events["event_time"].cast(pa.int64()).to_numpy()])
    rows = _Rows(code, kind, a, e, np.arange(len(code)))
    if len(ended):
        shards = np.concatenate([held["shard"].to_numpy(), events["shard"].to_numpy()])
        rows = _with_ends(rows, items, ended, horizons[shards])
    return rows.taken(np.lexsort((np.where(rows.kind == _ENDED, -1, rows.kind), rows.a, rows.kind != _HELD, rows.code)))


def _with_ends(rows: _Rows, items: pa.ChunkedArray, ended: pa.Table, horizon: np.ndarray) -> _Rows:
    """`rows` and one for each viewer whose item has ended; the end comes no earlier than what is held of the viewer.

    items, horizon: [n], of each row.
    """
    place = pc.index_in(items, value_set=ended["item_id"].combine_chunks()).to_numpy(zero_copy_only=False)
    viewers, first = np.unique(rows.code, return_index=True)
    at = place[first]
    over = ~np.isnan(at)
    viewers, at, horizon = viewers[over], at[over].astype(np.int64), horizon[first][over]
    over = ended["ended_a"].to_numpy()[at] <= horizon
    viewers, at = viewers[over], at[over]
    floor = np.full(rows.code.max(initial=-1) + 1, NEVER)
    floor[rows.code[rows.kind == _HELD]] = rows.a[rows.kind == _HELD]
    a = np.maximum(ended["ended_a"].to_numpy()[at], floor[viewers])
    e = ended["ended_e"].to_numpy()[at]
    ends = _Rows(viewers, np.full(len(viewers), _ENDED), a, e, np.full(len(viewers), -1))
    return _Rows(*(np.concatenate(pair) for pair in zip(_columns(rows), _columns(ends), strict=True)))


def _columns(rows: _Rows) -> tuple[np.ndarray, ...]:
    return rows.code, rows.kind, rows.a, rows.e, rows.source


def _alive(rows: _Rows) -> np.ndarray:
    """Places of what comes no later than the end of the viewer's item."""
    end = np.full(rows.code.max(initial=-1) + 1, len(rows.code))
    at = np.flatnonzero(rows.kind == _ENDED)
    end[rows.code[at]] = at
    return np.flatnonzero(np.arange(len(rows.code)) <= end[rows.code])


def _breaks(rows: _Rows) -> np.ndarray:
    """bool: where a sign does not belong to the session of the one before."""
    breaks = np.ones(len(rows.code), bool)
    after_end = np.isin(rows.kind[:-1], (_LEFT, _ENDED))
    silent = rows.a[1:] - rows.a[:-1] >= SILENCE_US
    breaks[1:] = (rows.code[1:] != rows.code[:-1]) | after_end | silent
    return breaks


def _sources(held: pa.Table, events: pa.Table) -> pa.Table:
    """What is known of a session that begins with a row: a held one, then those that an event begins."""
    begun = {
        "shard": events["shard"].cast(pa.int64()),
        "started_e": events["event_time"].cast(pa.int64()),
        "started_p": events["log_position"],
        "seen_a": events["log_position"],
        "seen_e": events["event_time"].cast(pa.int64()),
    }
    columns = [begun[name] if name in begun else events[name] for name in VIEWERS.names]
    return pa.concat_tables([held, pa.Table.from_arrays(columns, schema=VIEWERS)])


class _Segments:
    """Runs of rows, one a session; those that begin with a leave or an end are none."""

    def __init__(self, rows: _Rows, first: np.ndarray, horizons: np.ndarray) -> None:
        real = np.isin(rows.kind[first], (_HELD, _SEEN))
        after = np.append(first[1:], len(rows.code))
        self.rows, self.first, self.after, self.horizons = rows, first[real], after[real], horizons
        self.last = self.after - 1
        self.ends = np.isin(rows.kind[self.last], (_LEFT, _ENDED))
        self._see(first, real)

    def _see(self, first: np.ndarray, real: np.ndarray) -> None:
        """When each was last seen, its closing row left out."""
        rows = self.rows
        closing = np.isin(rows.kind, (_LEFT, _ENDED))
        seen_e = np.maximum.reduceat(np.where(closing, NEVER, rows.e), first) if len(first) else np.zeros(0, np.int64)
        self.seen_e = seen_e[real]
        self.seen_a = rows.a[self.last - self.ends]

    def paired(self, sources: pa.Table, held: pa.Table) -> Paired:
        rows, begun = self.rows, self.rows.kind[self.first] == _SEEN
        sessions = sources.take(pa.array(rows.source[self.first]))
        sessions = _with(sessions, seen_a=self.seen_a, seen_e=self.seen_e)
        followed = np.zeros(len(self.first), bool)  # by another sign of the same viewer, after a silence
        inner = np.flatnonzero(self.after < len(rows.code))
        followed[inner] = rows.code[self.after[inner]] == rows.code[self.first[inner]]
        horizon = self.horizons[sessions["shard"].to_numpy()]
        silent = ~self.ends & (followed | (horizon - self.seen_a >= SILENCE_US))
        closed = self.ends | silent
        ended_e = np.where(silent, self.seen_e, rows.e[self.last])
        ended_e = np.maximum(ended_e, sessions["started_e"].to_numpy())
        closed_a = np.where(silent, self.seen_a + SILENCE_US, rows.a[self.last])
        still = sessions.filter(~closed)
        over = _with(sessions.filter(closed), ended_e=ended_e[closed])
        return Paired(
            sessions.filter(begun), rows.a[self.first][begun], over, closed_a[closed], still, _gone(held, still)
        )


def _with(table: pa.Table, **columns: np.ndarray) -> pa.Table:
    for name, values in columns.items():
        at = table.schema.get_field_index(name)
        array = pa.array(values, pa.int64())
        table = table.append_column(name, array) if at < 0 else table.set_column(at, name, array)
    return table


def _gone(held: pa.Table, still: pa.Table) -> pa.Table:
    names, kept = (names_of(viewers["user_id"], viewers["item_id"]) for viewers in (held, still))
    return held.filter(pc.invert(pc.is_in(names, value_set=kept)))
