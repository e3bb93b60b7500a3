"""A feature service's values as a float32 matrix, in one round trip: what a model is served with.

    reader = OnlineReader(store, "ranker")
    read = reader.read({"user_id": "u1", "item_id": items}, request={"request_time": now, "surface": "home"})
    scores = model.predict(read.matrix)

The same values as `get_online_features`, without its protobufs. Keys that are reached through an item need not be given
(see `streamrank.paths`): they follow from the item's attributes, which are held in memory for up to a minute.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from feast import FeatureService, FeatureStore
from feast.types import from_feast_to_pyarrow_type

from streamrank import clock
from streamrank.stores.reading import answer
from streamrank.stores.reading.answer import NOT_FOUND, OUTSIDE_MAX_AGE, PRESENT, Answered, RowState
from streamrank.stores.reading.asking import Steps, ToDecode, asked, reach
from streamrank.stores.reading.held import Held
from streamrank.stores.reading.plan import apart, online_store, plan_of
from streamrank.stores.reading.rows import Rows, rows_of

PAST_TOLERANCE_US = 5 * clock.SECOND
HELD_US = 60 * clock.SECOND
HELD_ITEMS = 500_000

__all__ = ["NOT_FOUND", "OUTSIDE_MAX_AGE", "PRESENT", "OnlineRead", "OnlineReader", "RowState"]


@dataclass(frozen=True)
class OnlineRead:
    """The features of n rows, windowed ones as they are at the instant of the request.

    matrix: float32 [n, len(names)], the service's numeric and boolean features in its order, NaN where missing.
    blocks: float32 [n, length] of each array of numbers whose lists have one length, NaN where a list is missing.
    columns: every other feature, Arrow [n] of its declared type, null where missing.
    keys: the join keys that were reached through items, [n], null where there is none.
    """

    matrix: np.ndarray
    names: tuple[str, ...]
    blocks: dict[str, np.ndarray]
    columns: dict[str, pa.Array]
    keys: dict[str, pa.Array]
    _read: Mapping[str, Answered]

    @cached_property
    def rows(self) -> dict[str, RowState]:
        """By view of rows, which row of it was read; of a view with an alias, by the alias."""
        return {label: part.rows() for label, part in self._read.items() if part.heads is not None}

    @cached_property
    def windows(self) -> dict[str, np.ndarray]:
        """By windowed view, up to which position of the bus each shard is applied in what was read: int64 [n, SHARDS],
        NEVER where it never touched the key. A view of which nothing is filled, so that it is missing, is not in it."""
        return {label: part.applied() for label, part in self._read.items() if part.values is not None}

    @cached_property
    def stored_windows(self) -> dict[str, pa.LargeBinaryArray]:
        """By view as `windows`, the values [n] that were read: `streamrank.windows.finishing.applied` tells of them
        what `windows` does."""
        return {label: part.stored() for label, part in self._read.items() if part.values is not None}

    @cached_property
    def digests(self) -> dict[str, np.ndarray]:
        """By view of latest acts, a digest of the row that was read: int64 [n], 0 where there is none."""
        return {label: part.digests() for label, part in self._read.items() if part.acts is not None}

    def at(self, places: np.ndarray) -> "OnlineRead":
        """The same of some of the rows: int64 places [m] among them."""
        taken = pa.array(places)
        return OnlineRead(
            self.matrix[places],
            self.names,
            {name: block[places] for name, block in self.blocks.items()},
            {name: column.take(taken) for name, column in self.columns.items()},
            {name: column.take(taken) for name, column in self.keys.items()},
            {label: part.at(places) for label, part in self._read.items()},
        )


class OnlineReader:
    """Reads one feature service of a store whose online store is ours; safe to share between threads and tasks.

    It knows the service as it was when the reader was made: after `feast apply`, make another one.
    """

    def __init__(
        self, store: FeatureStore, service: str | FeatureService | list[str], full_feature_names: bool = False,
        held_us: int = HELD_US, held_items: int = HELD_ITEMS, past_us: int = PAST_TOLERANCE_US, blocks: bool = True,
    ) -> None:  # fmt: skip
        """service: a feature service, its name, or references such as "view:feature" and "view@v2:feature".

        full_feature_names: features are named <view>__<feature>. held_us: how long an item's attributes that lead to
        keys are held in memory. held_items: how many items are, per view. past_us: how far in the past the instant of
        a request may lie, which may have waited. blocks: whether arrays of numbers come as blocks of float32; otherwise
        they are columns of their declared types, exact.
        ValueError where the service is unknown, two features have one name, or the online store is another.
        """
        online = online_store(store)
        self._plan = plan_of(store, service, full_feature_names)
        self._past_us, self._blocks = past_us, blocks
        self._apart = tuple(apart(self._plan))
        self._connection = online.connection(store.config)
        views = [view.packed for view in (*self._plan.views, *self._plan.throughs)]
        self._layouts = {view.name: online.layouts(store.config, view) for view in views}
        self._generations = online.generations(store.config)
        self._held = {
            through.packed.name: Held(through.types, through.packed.ttl_us, held_us, held_items)
            for through in self._plan.throughs
        }

    @property
    def names(self) -> tuple[str, ...]:
        """The matrix's columns."""
        return self._plan.names

    @property
    def views(self) -> tuple[str, ...]:
        """The views of rows that are read, by the names that `OnlineRead.rows` has."""
        return tuple(view.label for view in self._plan.views if not view.has_windows)

    @property
    def views_of_acts(self) -> tuple[str, ...]:
        """Those among `views` of latest acts, by the names that `OnlineRead.digests` has."""
        return tuple(view.label for view in self._plan.views if view.windows and not view.has_windows)

    @property
    def windowed_views(self) -> tuple[str, ...]:
        """The windowed views that are read, by the names that `OnlineRead.windows` has."""
        return tuple(view.label for view in self._plan.views if view.has_windows)

    @property
    def reached(self) -> tuple[str, ...]:
        """The join keys that are reached through items where they are not given."""
        return tuple(sorted(key for through in self._plan.throughs for key in through.reached))

    def read(
        self, keys: Mapping[str, Any], request: Mapping[str, Any] | None = None, at_us: int | None = None,
        meanwhile: Callable[[], object] | None = None,
    ) -> OnlineRead:  # fmt: skip
        """The features of each row of `keys`, in one round trip.

        keys, request: join keys, and the request's own fields, by name: a column (Arrow, numpy, list) or one value for
        all rows. A join key that is reached through an item may be left out; one that is given is used as it is.
        at_us: the instant of the request, us UTC, by default now. meanwhile: called while the server is waited for.
        Raises ValueError where a key or a field is missing, does not fit its type or has another length than others,
        and where `at_us` lies in the past: an online store holds the present only.
        """
        return self._driven(self._steps(keys, request or {}, at_us), meanwhile)

    def hold(self, keys: Mapping[str, Any]) -> None:
        """Reads ahead what leads from these items to other keys, for requests to come. keys: as of `read`."""
        self._driven(self._ahead(keys))

    async def read_async(
        self, keys: Mapping[str, Any], request: Mapping[str, Any] | None = None, at_us: int | None = None
    ) -> OnlineRead:
        """As `read`; other tasks of the event loop run while the server is waited for."""
        steps, sent = self._steps(keys, request or {}, at_us), None
        try:
            while True:
                step = steps.send(sent)
                if isinstance(step, ToDecode):
                    sent = await step.layouts.prepare(step.values)
                else:
                    sent = await self._connection.fetch_async(step)
        except StopIteration as finished:
            return finished.value

    def _driven(self, steps: Steps, meanwhile: Callable[[], object] | None = None) -> Any:
        sent = None
        try:
            while True:
                step = steps.send(sent)
                sent = None if isinstance(step, ToDecode) else self._connection.fetch(step, meanwhile)
                meanwhile = None if sent is not None else meanwhile
        except StopIteration as finished:
            return finished.value

    def _ahead(self, keys: Mapping[str, Any]) -> Steps:
        rows, now_us = rows_of(keys), clock.now_us()
        for through in self._plan.throughs:
            name = through.packed.name
            if rows.columns.keys() >= {*through.keys}:
                yield from reach(through, self._held[name], rows, self._layouts[name], now_us, now_us, ahead=True)

    def _steps(self, keys: Mapping[str, Any], request: Mapping[str, Any], at_us: int | None) -> Steps:
        """What `asked` and `reach` yield; returns an OnlineRead."""
        now_us = clock.now_us()
        at_us = _present(now_us, at_us, self._past_us)
        rows = rows_of({name: request[name] for name in self._plan.request if name in request} | dict(keys))
        fields = self._request(rows)
        for through in self._plan.throughs:
            name = through.packed.name
            yield from reach(through, self._held[name], rows, self._layouts[name], now_us, at_us)
        read = yield from asked(self._plan.views, rows, self._layouts, self._generations, at_us)
        return self._read(read, rows, fields)

    def _request(self, rows: Rows) -> dict[str, pa.Array]:
        """The request's fields [rows], of their declared types."""
        missing = sorted(set(self._plan.request) - set(rows.columns))
        if missing:
            raise ValueError(
                f"derived features take {sorted(self._plan.request)} from the request: {missing} missing; "
                f"pass request={{{missing[0]!r}: ...}}"
            )
        return {name: _typed(name, rows, from_feast_to_pyarrow_type(kind)) for name, kind in self._plan.request.items()}

    def _read(self, read: dict[str, answer.Answered], rows: Rows, fields: dict[str, pa.Array]) -> OnlineRead:
        plan = self._plan
        matrix = answer.matrix_of(plan, read, rows.count)
        derived = {view.label: answer.derive(view, read, rows, fields) for view in plan.derived}
        blocks, columns = {}, {}
        given = blocks if self._blocks else None
        for output, place in self._apart:
            if place is not None:
                matrix[:, place] = answer.single(derived[output.label][output.feature])
            elif output.label in derived:
                answer.place(output, derived[output.label][output.feature], None, given, columns)
            else:
                part = read[output.label]
                answer.place(output, part.columns[output.feature], part.distinct, given, columns)
        reached = {name: rows.whole(name) for name in sorted(rows.added)}
        return OnlineRead(matrix, plan.names, blocks, columns, reached, read)


def _present(now_us: int, at_us: int | None, past_us: int) -> int:
    if at_us is None:
        return now_us
    if at_us < now_us - past_us:
        raise ValueError(
            f"at_us {at_us} lies {(now_us - at_us) / clock.SECOND:.1f} s in the past: an online store holds the "
            f"present only; get_historical_features answers for the past"
        )
    return at_us


def _typed(name: str, rows: Rows, kind: pa.DataType) -> pa.Array:
    column = rows.whole(name)
    try:
        return column if column.type == kind else column.cast(kind)
    except pa.ArrowException as error:
        raise ValueError(f"request field {name!r}: expected {kind}, found {column.type}: {error}") from error
