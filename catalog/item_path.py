"""The one path from an item to its keys: views keyed by creator or topic are reached through the item as known."""

import pyarrow as pa
import pyarrow.compute as pc


def through_items(rows: pa.Table, items: pa.Table) -> pa.Table:
    """`rows` [n] with columns creator_id and topic (strings) behind its own, in the same order.

    rows: holds item_id. items: holds item_id (unique), creator_id, topics. The topic is the item's first one; both are
    null where the item is unknown or has none. Columns of those names already in `rows` are replaced.
    """
    bare = rows.drop_columns([name for name in ("creator_id", "topic") if name in rows.column_names])
    item_ids = pc.cast(items["item_id"].combine_chunks(), pa.string())
    places = pc.index_in(pc.cast(bare["item_id"], pa.string()), value_set=item_ids)
    # index_in matches a null id with a null id: a row without an item has no attributes.
    places = pc.if_else(pc.is_valid(bare["item_id"]), places, pa.scalar(None, pa.int32()))
    creators = pc.cast(items["creator_id"], pa.string()).take(places)
    return bare.append_column("creator_id", creators).append_column("topic", first_topics(items["topics"]).take(places))


def first_topics(topics: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """The main topic of each list, null where the list is null or empty."""
    filled = pc.greater(pc.list_value_length(topics), 0)
    return pc.list_element(pc.if_else(filled, topics, pa.scalar(None, topics.type)), 0)
