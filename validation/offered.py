"""An offered event as the rules see it: with defaults, an id, its key, and how far ahead of its arrival it lies."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.schema import ABOUT_ITEMS, INSTANT
from catalog.sql import Ask
from validation.casting import FAULTS

UPDATES = ("item_update", "user_update")  # these must say something
INTEGER = r"^(0|-?[1-9][0-9]{0,17})$"
OF_A_VIEWER = ("viewer_enter", "viewer_ping", "viewer_leave")  # paired by user and item
LACKING = {"item": "no item_id", "user": "no user_id", "viewer": "no user_id or no item_id"}


def offered(typed: pa.Table, now_us: int, ask: Ask, integer_ids: tuple[str, ...] = ()) -> pa.Table:
    """`typed` (columns of GIVEN and `faults`) with what the rules and their texts speak of.

    arrival: when it came, event_time where it does not say. ahead_us: an event may lie ahead of its arrival, and an
    arrival ahead of the present, by the tolerance. key: 1, null where the type's key is missing; lacking: which.
    alien: an id that should be an integer (`integer_ids`) and is none.
    """
    time = _micros(typed["event_time"])
    arrival = pc.coalesce(_micros(typed["arrived_at"]), time)
    arrived = pc.min_element_wise(arrival, now_us)  # a null steps back before what is known
    no_object = _no_object(typed, ask)
    key, lacking = _keys(typed)
    alien = _alien(typed, integer_ids)
    more = {
        "arrival": arrival.cast(INSTANT), "time_us": time, "no_object": no_object, "key": key, "lacking": lacking,
        "ahead_us": pc.subtract(pc.max_element_wise(time, arrival), arrived),
        "alien": alien, "aliens": _count(alien), "no_objects": _count(no_object),
        "unreadable": pc.list_value_length(typed[FAULTS]),
    }  # fmt: skip
    defaults = {"event_type": pc.fill_null(typed["event_type"], "view"), "arrived_at": arrived.cast(INSTANT)}
    columns = {name: defaults.get(name, typed[name]) for name in typed.column_names}
    return pa.table(columns | more)


def identified(typed: pa.Table, ask: Ask) -> pa.Table:
    """Every row with an event_id; one without gets the hash of its content and how often that came before."""
    if not typed["event_id"].null_count:
        return typed
    names = [name for name in typed.column_names if name not in ("event_id", FAULTS)]
    content = ", ".join(f'coalesce("{name}"::VARCHAR, chr(0))' for name in names)
    numbered = typed.append_column("row", pa.array(np.arange(len(typed))))
    ids = ask(IDENTIFIED.format(content=content), typed=numbered)["event_id"]
    return typed.set_column(typed.schema.get_field_index("event_id"), "event_id", ids)


def _micros(instants: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.cast(instants, pa.int64())


def _keys(typed: pa.Table) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """(1 or null, what a row of its type would lack)."""
    user, item = pc.is_valid(typed["user_id"]), pc.is_valid(typed["item_id"])
    kinds = {
        "item": (_one_of(typed, ABOUT_ITEMS), item),
        "user": (_one_of(typed, ("user_update",)), user),
        "viewer": (_one_of(typed, OF_A_VIEWER), pc.and_(user, item)),
    }
    there, lacking = pc.or_(user, item), pa.scalar("neither user_id nor item_id")
    for kind, (of_kind, has) in kinds.items():
        there, lacking = pc.if_else(of_kind, has, there), pc.if_else(of_kind, LACKING[kind], lacking)
    return pc.if_else(there, pa.scalar(1, pa.int64()), pa.scalar(None, pa.int64())), lacking


def _alien(typed: pa.Table, integer_ids: tuple[str, ...]) -> pa.ChunkedArray:
    """The first id that does not look like an integer, null where all do."""
    found = pa.chunked_array([pa.nulls(len(typed), pa.string())])
    for name in integer_ids:
        wrong = pc.invert(pc.match_substring_regex(typed[name], INTEGER))
        found = pc.coalesce(found, pc.if_else(wrong, pc.binary_join_element_wise(name, typed[name], " "), None))
    return found


def _count(found: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.cast(pc.is_valid(found), pa.int64())


def _one_of(typed: pa.Table, types: tuple[str, ...]) -> pa.ChunkedArray:
    return pc.is_in(typed["event_type"], pa.array(types))


def _no_object(typed: pa.Table, ask: Ask) -> pa.ChunkedArray:
    """attributes that are no JSON object, "nothing" where an update has none, else null. Few events have any."""
    attributes = typed["attributes"]
    silent = pc.and_(pc.is_null(attributes), _one_of(typed, UPDATES))
    found = pc.if_else(silent, pa.scalar("nothing"), pa.scalar(None, pa.string()))
    told = pc.is_valid(attributes)
    if attributes.null_count == len(attributes):
        return found
    judged = ask(NO_OBJECT, told=pa.table({"attributes": attributes.filter(told)}))["no_object"]
    return pc.replace_with_mask(found, told.combine_chunks(), judged.combine_chunks())


NO_OBJECT = """
SELECT CASE WHEN NOT json_valid(attributes) THEN attributes
            WHEN json_type(attributes) <> 'OBJECT' THEN attributes END AS no_object
FROM told
"""
IDENTIFIED = """
SELECT coalesce(event_id, content || '-' || row_number() OVER (PARTITION BY content ORDER BY row)) AS event_id
FROM (SELECT event_id, row, CASE WHEN event_id IS NULL THEN md5(concat_ws(chr(31), {content})) END AS content
      FROM typed)
ORDER BY row
"""
