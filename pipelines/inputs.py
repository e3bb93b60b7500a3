"""What the steps of learning read of a data set, and the error that names the step to run before."""

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.dataset import DataSet, DataSetMissing
from catalog.live.item_states import ENDED, ITEM_STATES, STARTED, next_states
from catalog.schema import ABOUT_ITEMS, ITEMS, USERS
from catalog.sql import file_list, query
from streamrank import clock
from streamrank.events.log import EventLog


class StepMissing(DataSetMissing):
    """A step that this one builds on has not been run; the message names its command."""


def events(data: DataSet) -> str:
    """The events that have arrived by now, as SQL to select from; StepMissing when the log is empty."""
    data.manifest()
    files = EventLog(data.events).files()
    if not files:
        turned_away = f"; see {data.quarantine} for what was turned away" if data.quarantine.exists() else ""
        raise StepMissing(
            f"data set {data.name!r} has no events: expected a log in {data.events}{turned_away}; "
            f"run `streamrank dataset`"
        )
    return f"(SELECT * FROM read_parquet({file_list(files)}) WHERE arrived_at <= make_timestamptz({clock.now_us()}))"


def no_acts(data: DataSet) -> StepMissing:
    """To be raised where nobody did anything with an item."""
    return StepMissing(
        f"data set {data.name!r}: expected acts of users on items (view, click, like, rating), found none to learn "
        f"from; load events that have user_id and item_id (docs/data.md)"
    )


def items(data: DataSet) -> pa.Table:
    """The items file in the columns of ITEMS; no rows where there is none."""
    return _read(data.items, ITEMS)


def users(data: DataSet) -> pa.Table:
    """The users file in the columns of USERS; no rows where there is none."""
    return _read(data.users, USERS)


def catalogue(data: DataSet) -> pa.Table:
    """Every item that the items file or the log names: item_id, available_from and available_until, ordered by id.

    The times are the items file's, and over them what the log's item_start, item_update and item_end say by now.
    """
    sql = f"""SELECT item_id, {_said("available_from")}, {_said("available_until")}
        FROM (SELECT item_id, available_from, available_until FROM known
              UNION ALL SELECT DISTINCT item_id, NULL, NULL FROM {events(data)} WHERE item_id IS NOT NULL) AS known
        LEFT JOIN states USING (item_id) GROUP BY item_id ORDER BY item_id"""
    return query(sql, known=items(data), states=_item_states(data))


def _item_states(data: DataSet) -> pa.Table:
    """What events have said of items: item_id, its times, and whether those are all that counts."""
    about = query(f"FROM {events(data)} WHERE event_type IN {ABOUT_ITEMS}")
    states = next_states(ITEM_STATES.empty_table(), about)
    sql = f"""SELECT item_id, status = {STARTED} AS whole, make_timestamptz(available_from) AS said_available_from,
        make_timestamptz(CASE WHEN status = {ENDED} THEN ended_e ELSE available_until END) AS said_available_until
        FROM states"""
    return query(sql, states=states)


def _said(name: str) -> str:
    """What events said of an item, and where they only updated it and did not say, what its file says."""
    otherwise = f"any_value(CASE WHEN whole THEN NULL ELSE known.{name} END)"
    return f"coalesce(any_value(said_{name}), {otherwise}) AS {name}"


def _read(path, schema: pa.Schema) -> pa.Table:
    return pq.read_table(path).select(schema.names).cast(schema) if path.exists() else schema.empty_table()
