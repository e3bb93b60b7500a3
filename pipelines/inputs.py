"""What the steps of learning read of a data set, and the error that names the step to run before."""

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.dataset import DataSet, DataSetMissing
from catalog.schema import ITEMS, USERS
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
        raise StepMissing(
            f"data set {data.name!r} has no events: expected a log in {data.events}; run `streamrank dataset`"
        )
    return f"(SELECT * FROM read_parquet({file_list(files)}) WHERE arrived_at <= make_timestamptz({clock.now_us()}))"


def items(data: DataSet) -> pa.Table:
    """The items file in the columns of ITEMS; no rows where there is none."""
    return _read(data.items, ITEMS)


def users(data: DataSet) -> pa.Table:
    """The users file in the columns of USERS; no rows where there is none."""
    return _read(data.users, USERS)


def catalogue(data: DataSet) -> pa.Table:
    """Every item that the items file or the log names: item_id, available_from and available_until, ordered by id."""
    sql = f"""SELECT item_id, any_value(available_from) AS available_from, any_value(available_until) AS available_until
        FROM (SELECT item_id, available_from, available_until FROM known
              UNION ALL SELECT DISTINCT item_id, NULL, NULL FROM {events(data)} WHERE item_id IS NOT NULL)
        GROUP BY item_id ORDER BY item_id"""
    return query(sql, known=items(data))


def _read(path, schema: pa.Schema) -> pa.Table:
    return pq.read_table(path).select(schema.names).cast(schema) if path.exists() else schema.empty_table()
