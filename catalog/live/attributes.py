"""Attributes of items and users in the online store, as updates change them: the rows that the batch job writes too.

A row is what the items or users file says, known always, and over it what updates have named since. Its event time is
the latest of the updates in it, its created time the arrival of the last.
"""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from feast import FeatureStore

from catalog.sql import quick
from catalog.updates import ITEM_ATTRIBUTES, ITEM_FEATURES, USER_ATTRIBUTES, USER_FEATURES
from streamrank.stores.reading.plan import online_store


@dataclass(frozen=True)
class About:
    """view: which is written. key: of its rows. features: SQL of its columns, over `attributes`. instants: of these."""

    view: str
    key: str
    features: str
    attributes: tuple[str, ...]
    instants: tuple[str, ...] = ()


ITEMS = About("item_attributes", "item_id", ITEM_FEATURES, ITEM_ATTRIBUTES, ("available_from",))
USERS = About("user_attributes", "user_id", USER_FEATURES, USER_ATTRIBUTES)


class AttributeRows:
    """Writes the rows of one view."""

    def __init__(self, store: FeatureStore, about: About, known: Path) -> None:
        """known: the file of items or users; read again when it has changed, and no rows while there is none."""
        self._store, self._about, self._known = store, about, known
        self._view, self._online = store.get_feature_view(about.view), online_store(store)
        self._stamp, self._rows = None, None

    def write(self, states: pa.Table) -> None:
        """states: a row a key with its event_us, created_us and attributes; where nothing was named it is left out."""
        states = states.filter(pc.is_valid(states["created_us"]))
        if not len(states):
            return
        rows = quick(self._sql(), states=states, known=self._always())
        event_us, created_us = (rows[name].to_numpy() for name in ("event_us", "created_us"))
        self._online.write_columns(self._store.config, self._view, rows, event_us, created_us)

    def _sql(self) -> str:
        about = self._about
        named = ", ".join(f"coalesce(states.{name}, known.{name}) AS {name}" for name in about.attributes)
        return f"""SELECT {about.key}, event_us, created_us, {about.features}
            FROM (SELECT {about.key}, event_us, created_us, {named} FROM states LEFT JOIN known USING ({about.key}))"""

    def _always(self) -> pa.Table:
        stamp = self._known.stat().st_mtime_ns if self._known.exists() else 0
        if stamp != self._stamp or self._rows is None:
            self._stamp, self._rows = stamp, self._read()
        return self._rows

    def _read(self) -> pa.Table:
        columns = [self._about.key, *self._about.attributes]
        if not self._known.exists():
            return pa.table({name: pa.nulls(0, _KINDS.get(name, pa.string())) for name in columns})
        rows = pq.read_table(self._known, columns=columns)
        for name in self._about.instants:
            at = rows.schema.get_field_index(name)
            rows = rows.set_column(at, name, rows[name].cast(pa.timestamp("us", "UTC")).cast(pa.int64()))
        return rows


_KINDS = {
    "topics": pa.list_(pa.string()), "duration_ms": pa.int64(), "year": pa.int64(), "age": pa.int64(),
    "available_from": pa.int64(),
}  # fmt: skip
