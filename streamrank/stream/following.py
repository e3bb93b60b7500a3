"""How a view follows events: rows of a batch, reduced to what they change, brought to the server; by kind of view."""

import duckdb
import pyarrow as pa

from streamrank.latest import appending
from streamrank.latest import rows as acts
from streamrank.latest.appending import Appends
from streamrank.latest.spec import LatestView
from streamrank.stores.connection import Connection
from streamrank.stream.views import StreamedView
from streamrank.windows import merging, rows
from streamrank.windows.deltas import Deltas, deltas
from streamrank.windows.merging import Merged

Reduced = Deltas | Appends


def rows_sql(view: StreamedView, relation: str = "events") -> str:
    """SQL of the view's rows over `relation`, as `reduced` takes them."""
    return acts.ordered_sql(view, relation) if isinstance(view, LatestView) else rows.sql(view, relation)


def rows_table(connection: duckdb.DuckDBPyConnection, view: StreamedView, relation: str = "events") -> pa.Table:
    """These rows. Raises DeclarationError where the view's SQL does not fit the relation."""
    return (acts if isinstance(view, LatestView) else rows).table(connection, view, relation)


def reduced(view: StreamedView, found: pa.Table, firsts: dict[int, int], lasts: dict[int, int]) -> Reduced:
    """What the rows `found` change, by key. firsts, lasts: by shard the range of positions that the batch covers."""
    return appending.appends(view, found) if isinstance(view, LatestView) else deltas(view, found, firsts, lasts)


def merge(connection: Connection, prefix: bytes, view: StreamedView, found: Reduced, expires: bool) -> Merged:
    """Brings it to the keys below `prefix`; a key that holds it already stays as it is. expires: whether idle keys go,
    of windows. Raises TornKey and Overflow, of windows."""
    if isinstance(view, LatestView):
        return appending.append(connection, prefix, view, found)
    return merging.merge(connection, prefix, view, found, expires)
