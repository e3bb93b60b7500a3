"""Features computed when they are asked for: pure functions of columns, the same offline and online.

No clock, no randomness, no I/O: the request's time is a column. Feast stores the text of this file and runs it in
processes that have no feature_repo, so it uses numpy and pyarrow only.
"""

import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

HOUR = 3_600e6
DAY = 24 * HOUR
SURFACE_CODES = 4_096
WORDS = pa.list_(pa.string())

Column = list | np.ndarray | pa.Array


def derive(columns: Mapping[str, Column]) -> dict[str, np.ndarray | list]:
    """All derived features, each [rows], from input columns [rows].

    Numbers come as float64 arrays with NaN where missing, strings and lists as Arrow arrays, and features are float32
    arrays. Feast gives and takes plain lists with None where missing: the same bits.
    """
    features = moment(columns) | item_at(columns) | shares(columns) | overlaps(columns)
    with np.errstate(over="ignore"):
        single = {name: values.astype(np.float32) for name, values in features.items()}
    if isinstance(columns["request_time"], list):
        return {name: none_where_missing(values) for name, values in single.items()}
    return single


def moment(columns: Mapping[str, Column]) -> dict[str, np.ndarray]:
    """When (UTC; Monday is 0) and where the request is made."""
    time = numbers(columns["request_time"])
    return {
        "hour": time % DAY // HOUR,
        "weekday": (time // DAY + 3) % 7,  # 1970 began on a Thursday
        "surface_code": codes(arrow(columns["surface"], pa.string())),
    }


def item_at(columns: Mapping[str, Column]) -> dict[str, np.ndarray]:
    """Days since the item became available, and the share of its week's views that came on the last day."""
    age = numbers(columns["request_time"]) - numbers(columns["item_available_from"])
    return {
        "item_age_days": age / DAY,
        "item_trend": ratio(numbers(columns["item_views_1d"]), numbers(columns["item_views_7d"])),
    }


def shares(columns: Mapping[str, Column]) -> dict[str, np.ndarray]:
    """Of the user's views, those of the item's topic and those of its creator."""
    views = numbers(columns["user_views_60d"])
    return {
        "user_topic_share": ratio(numbers(columns["ut_views_60d"]), views),
        "user_creator_share": ratio(numbers(columns["uc_views_60d"]), views),
    }


def overlaps(columns: Mapping[str, Column]) -> dict[str, np.ndarray]:
    """The user's shares summed over the item's topics, and the share of its topics that the user stated, once and for
    all or in the request."""
    item, liked = arrow(columns["item_topics"], WORDS), arrow(columns["user_top_topics"], WORDS)
    stated, named = arrow(columns["user_stated_topics"], WORDS), arrow(columns["stated_topics"], WORDS)
    weights = numbers(arrow(columns["user_top_topic_shares"], pa.list_(pa.float32())).flatten())
    rows, topics = rows_of(item), lengths(item)
    shared = np.bincount(rows, matched(item, liked, weights), minlength=len(item))
    wanted = np.bincount(rows, np.maximum(matched(item, stated), matched(item, named)), minlength=len(item))
    nothing_said = np.isnan(lengths(stated)) & np.isnan(lengths(named))
    return {
        "topic_overlap": np.where(np.isnan(lengths(liked) + topics), np.nan, shared),
        "stated_overlap": ratio(np.where(nothing_said, np.nan, wanted), topics),
    }


def matched(item: pa.ListArray, lists: pa.ListArray, weights: np.ndarray | None = None) -> np.ndarray:
    """For each element of `item`, the weight of the first equal one of the row's list, 0 where there is none; without
    weights each counts 1."""
    own, wanted = lists.flatten(), item.flatten()
    if not len(own):
        return np.zeros(len(wanted))
    weights = np.ones(len(own)) if weights is None else weights
    if once := in_every_row(lists, weights):  # one user's list beside many items
        return found_in(*codes_of(own[:once], wanted), weights[:once])
    of_own, of_wanted = codes_of(own, wanted)
    apart = 1 + max(of_own.max(), of_wanted.max(initial=0))
    return found_in(rows_of(lists) * apart + of_own, rows_of(item) * apart + of_wanted, weights)


def in_every_row(lists: pa.ListArray, weights: np.ndarray) -> int:
    """How long the list is that every row has, with the same weights; 0 where rows differ."""
    own = lists.flatten()
    once, over = divmod(len(own), len(lists))
    if over or lists.null_count or (np.asarray(lists.value_lengths()) != once).any():
        return 0
    alike = own[once:].equals(own[:-once]) and np.array_equal(weights[once:], weights[:-once])
    return once if alike or len(lists) == 1 else 0


def found_in(keys: np.ndarray, wanted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """For each wanted key, the weight of the first equal one among `keys`, 0 where there is none."""
    order = np.argsort(keys, kind="stable")
    ordered = np.append(keys[order], -1)
    place = np.searchsorted(ordered[:-1], wanted)
    return np.where(ordered[place] == wanted, np.append(weights[order], 0.0)[place], 0.0)


def codes_of(*columns: pa.Array) -> list[np.ndarray]:
    """For each column of texts, one integer a value, the same for equal texts of all of them."""
    values = pa.chunked_array(columns, pa.string()).combine_chunks()
    numbered = np.asarray(values.dictionary_encode(null_encoding="encode").indices, dtype=np.int64)
    return np.split(numbered, np.cumsum([len(column) for column in columns])[:-1])


def rows_of(lists: pa.ListArray) -> np.ndarray:
    """The row of each element."""
    counts = lists.value_lengths()
    return np.repeat(np.arange(len(lists)), np.asarray(counts.fill_null(0) if counts.null_count else counts))


def lengths(lists: pa.ListArray) -> np.ndarray:
    """Elements a row, missing where there is no list."""
    counts = lists.value_lengths()
    if counts.null_count == len(counts):
        return np.full(len(counts), np.nan)
    real = np.asarray(counts.fill_null(0) if counts.null_count else counts, dtype=np.float64)
    return np.where(np.asarray(counts.is_valid()), real, np.nan) if counts.null_count else real


def codes(names: pa.Array) -> np.ndarray:
    """A number for each name, the same in every process; missing for none."""
    numbered = names.dictionary_encode()
    table = [zlib.crc32(name.encode()) % SURFACE_CODES if name else np.nan for name in numbered.dictionary.to_pylist()]
    return np.array([*table, np.nan])[np.asarray(numbered.indices.fill_null(len(table)))]


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Missing where the whole is 0 or missing."""
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def numbers(column: Sequence | np.ndarray) -> np.ndarray:
    """float64, exact for counts and for microseconds since 1970; NaN for None."""
    return np.asarray(column, dtype=np.float64)


def arrow(column: list | pa.Array, kind: pa.DataType) -> pa.Array:
    return pa.array(column, kind) if isinstance(column, list) else column


def none_where_missing(values: np.ndarray) -> list:
    """The float32 values as a list of numpy scalars, by which Feast knows the type, and None."""
    given = np.array([*values, None], dtype=object)[:-1]
    given[np.isnan(values)] = None
    return given.tolist()
