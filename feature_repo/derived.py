"""Features computed when they are asked for: pure functions from columns to columns, the same offline and online.

Feast hands in every column as a list with None where it is missing, and takes lists of float32 back. It stores a
function as its source, so each one stands alone: what it uses is imported or defined inside it. (It also compares a
field's description with none when it checks these schemas, hence the comments.)
"""

from affinity import user_creator_daily, user_topic_daily
from feast import Field
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float32
from item import item_attributes, item_daily
from sources import request
from user import user_attributes, user_daily, user_interests


@on_demand_feature_view(
    sources=[request, item_attributes[["item_available_from"]], item_daily[["item_views_1d", "item_views_7d"]]],
    schema=[
        Field(name="hour", dtype=Float32),  # of the day in UTC
        Field(name="weekday", dtype=Float32),  # in UTC, Monday is 0
        Field(name="item_age_days", dtype=Float32),  # since the item became available
        Field(name="item_trend", dtype=Float32),  # share of the week's views that came on the last day
        Field(name="surface_code", dtype=Float32),  # a number for the surface, the same everywhere
    ],
    mode="python",
    description="When and where the request is made, and how new and how rising the item is then.",
)
def moment(columns):
    import zlib

    import numpy as np

    def missing_as_none(values):
        values = values.astype(np.float32)
        given = np.array([*values, None], dtype=object)[:-1]
        given[np.isnan(values)] = None
        return given.tolist()

    def ratio(part, whole):
        return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)

    time = np.array(columns["request_time"], dtype=np.float64)
    available, last_day, week = (
        np.array(columns[name], dtype=np.float64) for name in ("item_available_from", "item_views_1d", "item_views_7d")
    )
    day = 86_400e6
    surfaces, place = np.unique(np.array([name or "" for name in columns["surface"]], dtype=str), return_inverse=True)
    codes = np.array([zlib.crc32(name.encode()) % 4096 if name else np.nan for name in surfaces.tolist()])
    return {
        "hour": missing_as_none(time % day // 3600e6),
        "weekday": missing_as_none((time // day + 3) % 7),
        "item_age_days": missing_as_none((time - available) / day),
        "item_trend": missing_as_none(ratio(last_day, week)),
        "surface_code": missing_as_none(codes[place]),
    }


@on_demand_feature_view(
    sources=[
        user_daily[["user_views_60d"]],
        user_topic_daily[["ut_views_60d"]],
        user_creator_daily[["uc_views_60d"]],
        user_interests,
        user_attributes[["user_stated_topics"]],
        item_attributes[["item_topics"]],
    ],
    schema=[
        Field(name="topic_overlap", dtype=Float32),  # the user's shares summed over the item's topics
        Field(name="stated_overlap", dtype=Float32),  # share of the item's topics that the user stated
        Field(name="user_topic_share", dtype=Float32),  # of the user's views, those of the item's topic
        Field(name="user_creator_share", dtype=Float32),  # of the user's views, those of its creator
    ],
    mode="python",
    description="How well the item fits what the user said and did.",
)
def fit(columns):
    import numpy as np
    import pyarrow as pa

    def missing_as_none(values):
        values = values.astype(np.float32)
        given = np.array([*values, None], dtype=object)[:-1]
        given[np.isnan(values)] = None
        return given.tolist()

    def ratio(part, whole):
        return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)

    def flat(name, type):
        """Every list of a column: the row and the value of each element, and which rows have a list."""
        lists = pa.array(columns[name], pa.list_(type))
        lengths = np.diff(lists.offsets.to_numpy()) if len(lists) else np.zeros(0, np.int64)
        return np.repeat(np.arange(len(lists)), lengths), lists.flatten(), lists.is_valid().to_numpy(False)

    def overlap(rows, weights, wanted_rows, wanted, item_rows, item_topics):
        """Per row, the weights of its wanted topics summed over the item's topics."""
        codes = pa.chunked_array([wanted, item_topics]).combine_chunks().dictionary_encode().indices.to_numpy(False)
        size = int(codes.max(initial=0)) + 1
        wanted_keys = wanted_rows * size + codes[: len(wanted)]
        item_keys = item_rows * size + codes[len(wanted) :]
        order = np.argsort(wanted_keys, kind="stable")
        place = np.searchsorted(wanted_keys, item_keys, sorter=order)
        found = place < len(order)
        found[found] = wanted_keys[order[place[found]]] == item_keys[found]
        return np.bincount(item_rows[found], weights[order[place[found]]], minlength=rows)

    views, topic_views, creator_views = (
        np.array(columns[name], dtype=np.float64) for name in ("user_views_60d", "ut_views_60d", "uc_views_60d")
    )
    rows = len(views)
    item_rows, item_topics, item_known = flat("item_topics", pa.string())
    user_rows, user_topics, user_known = flat("user_top_topics", pa.string())
    _, shares, _ = flat("user_top_topic_shares", pa.float32())
    stated_rows, stated_topics, stated_known = flat("user_stated_topics", pa.string())
    liked = overlap(rows, shares.to_numpy(False).astype(np.float64), user_rows, user_topics, item_rows, item_topics)
    stated = overlap(rows, np.ones(len(stated_rows)), stated_rows, stated_topics, item_rows, item_topics)
    topics = np.bincount(item_rows, minlength=rows).astype(np.float64)
    return {
        "topic_overlap": missing_as_none(np.where(item_known & user_known, liked, np.nan)),
        "stated_overlap": missing_as_none(ratio(stated, np.where(item_known & stated_known, topics, np.nan))),
        "user_topic_share": missing_as_none(ratio(topic_views, views)),
        "user_creator_share": missing_as_none(ratio(creator_views, views)),
    }
