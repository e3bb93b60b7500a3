"""The log as what models learn from: every act of every user, and every item that is known.

The acts are what the feature view `user_recent` makes of the event log, by the SQL that is registered with Feast: a
user's history online, as of any row offline, and here, come of one text.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.dataset import DataSet
from catalog.schema import ITEMS
from catalog.sql import query
from catalog.updates import item_updates
from models.hidden_items import HiddenItems
from models.interactions import Interactions
from models.items import Items
from pipelines import inputs
from pipelines.profiles import profiles

WHO, WHAT = "user_id", "recent_items"
COLUMNS = {"weights": "recent_weights", "watched": "recent_watched", "ratings": "recent_ratings"}

# What the views `user_recent` and `user_hidden` declare, for where nothing is registered.
SHARE = "CASE WHEN event_type = 'view' AND duration_ms > 0 THEN least(watch_ms, duration_ms) / duration_ms END"
RATED = "CASE WHEN event_type IN ('view', 'rating') AND isfinite(value) THEN greatest(value, 0) END"
ACTS = f"""
SELECT event_time, shard, log_position, user_id, item_id AS recent_items,
  CAST(CASE WHEN {SHARE} IS NOT NULL THEN 0.25 + 1.75 * ({SHARE}) WHEN {RATED} IS NOT NULL THEN ({RATED}) / 3
    WHEN event_type = 'like' THEN 2 WHEN event_type = 'click' THEN 0.5 ELSE 1 END AS FLOAT) AS recent_weights,
  CAST({SHARE} AS FLOAT) AS recent_watched, CAST({RATED} AS FLOAT) AS recent_ratings
FROM events WHERE event_type IN ('view', 'click', 'like', 'rating', 'session')"""
HIDDEN = """SELECT event_time, shard, log_position, user_id, item_id AS hidden_items
FROM events WHERE event_type = 'hide'"""
KNOWN_AT = "greatest(log_position, epoch_us(event_time)) AS known_at"


def interactions(data: DataSet, known: Items | None = None) -> tuple[Interactions, Items]:
    """All acts that have arrived by now, in the order of their arrival, and the items; StepMissing without events.

    An act's time is its arrival, us UTC: from then on it is known. Items: see `items_of`.
    """
    items = items_of(data, known)
    acts = query(f"SELECT *, {KNOWN_AT} FROM ({acts_sql(data)}) ORDER BY known_at, log_position, shard")
    return _interactions(acts, items, profiles(data.users)), items


def acts_sql(data: DataSet) -> str:
    """SQL of a row an act on an item: the columns of the view `user_recent`, user_id, event_time and log_position."""
    named = f"{WHO} IS NOT NULL AND {WHAT} IS NOT NULL"
    return _of_events(data, "user_recent", ACTS, named)


def hidden_sql(data: DataSet) -> str:
    """SQL of a row an item that a user hid: the columns of the view `user_hidden`, and those of `acts_sql` besides."""
    return _of_events(data, "user_hidden", HIDDEN, f"{WHO} IS NOT NULL AND hidden_items IS NOT NULL")


def _of_events(data: DataSet, view: str, otherwise: str, named: str) -> str:
    return f"WITH events AS (FROM {inputs.events(data)}) SELECT * FROM ({_registered(view, otherwise)}) WHERE {named}"


def _registered(view: str, otherwise: str) -> str:
    """The view's SQL as Feast's registry has it; `otherwise` where nothing was applied yet."""
    from pipelines.feature_store import FeaturesMissing, open_store

    try:
        views = {view.name: view for view in open_store().list_feature_views()}
    except FeaturesMissing:
        return otherwise
    return views[view].batch_source.sql if view in views else otherwise


def items_of(data: DataSet, known: Items | None = None) -> Items:
    """Every item that the items file or the log names, with what is known of it by now, ordered by item_id.

    known: items that keep their places, as those that sources were fitted on; the others stand behind them.
    """
    told = query(f"SELECT * FROM ({item_updates(inputs.events(data))})")
    rows = query(KNOWN, catalogue=inputs.catalogue(data), items=inputs.items(data), told=told)
    if known is not None:
        rows = query(
            BEHIND, rows=rows, known=known.table.select(["item_id"]).append_column("place", _range(len(known)))
        )
    return Items(rows.select(ITEMS.names).cast(ITEMS).combine_chunks())


def hidden_items(data: DataSet, acts: Interactions) -> HiddenItems:
    """What the users of `acts` had hidden of its items, by arrival."""
    found = query(f"SELECT *, {KNOWN_AT} FROM ({hidden_sql(data)})")
    users, items = (
        pc.index_in(found[name].combine_chunks(), pa.array(ids, pa.string())).fill_null(-1).to_numpy().astype(np.int64)
        for name, ids in ((WHO, acts.user_ids), ("hidden_items", acts.item_ids))
    )
    times = found["known_at"].to_numpy()
    order = np.lexsort((times, users))
    order = order[(users[order] >= 0) & (items[order] >= 0)]
    return HiddenItems(users[order], items[order], times[order])


def _range(length: int) -> pa.Array:
    return pa.array(np.arange(length))


def _interactions(acts: pa.Table, items: Items, known: pa.Table) -> Interactions:
    """Columns by place; users in the order of their ids. known: their profiles."""
    ids = items.table["item_id"].combine_chunks()
    people = pc.unique(acts[WHO].combine_chunks()).sort()
    return Interactions(
        users=_places(acts[WHO], people), items=_places(acts[WHAT], ids), times=acts["known_at"].to_numpy(),
        **{name: _floats(acts[column]) for name, column in COLUMNS.items()},
        user_ids=people.to_numpy(zero_copy_only=False), item_ids=items.ids,
        traits=_traits(known, people),
    )  # fmt: skip


def _traits(known: pa.Table, people: pa.Array) -> pa.ListArray:
    return known["user_profile"].combine_chunks().take(pc.index_in(people, known["user_id"].combine_chunks()))


def _places(column: pa.ChunkedArray, ids: pa.Array) -> np.ndarray:
    return pc.index_in(column.combine_chunks(), ids).to_numpy(zero_copy_only=False).astype(np.int32)


def _floats(column: pa.ChunkedArray) -> np.ndarray:
    return column.fill_null(float("nan")).to_numpy().astype(np.float32)


BEHIND = """
SELECT coalesce(rows.item_id, known.item_id) AS item_id, rows.* EXCLUDE (item_id)
FROM rows FULL JOIN known USING (item_id) ORDER BY place NULLS LAST, item_id
"""
# What an event said of an item last counts before what its file says.
KNOWN = """
WITH said AS (
    SELECT item_id, arg_max(creator_id, position) AS creator_id, arg_max(topics, position) AS topics,
        arg_max(title, position) AS title, arg_max(kind, position) AS kind, arg_max(year, position) AS year,
        arg_max(duration_ms, position) AS duration_ms
    FROM told GROUP BY item_id)
SELECT c.item_id, coalesce(s.creator_id, i.creator_id) AS creator_id, coalesce(s.topics, i.topics) AS topics,
    coalesce(s.title, i.title) AS title, i.description, i.cast, i.language, coalesce(s.year, i.year) AS year,
    coalesce(s.kind, i.kind) AS kind, i.series_id, i.season, i.episode,
    coalesce(s.duration_ms, i.duration_ms) AS duration_ms, c.available_from, c.available_until
FROM catalogue c LEFT JOIN items i USING (item_id) LEFT JOIN said s USING (item_id)
ORDER BY c.item_id
"""
