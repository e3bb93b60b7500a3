"""What events say of items and users, as SQL: one text for the batch job, and for each micro-batch.

An item_start, item_update or user_update names attributes in a JSON object. What it does not name, or names as null or
empty, stays as it was; a value that cannot be read counts as not named. Updates hold in the order of their arrival.
"""

# Attributes as features. available_from is us since 1970 here.
ITEM_FEATURES = """creator_id AS item_creator_id, topics AS item_topics, duration_ms::FLOAT AS item_duration_ms,
  year::FLOAT AS item_year, available_from::BIGINT AS item_available_from"""
USER_FEATURES = "topics AS user_stated_topics, age::FLOAT AS user_age"

# What of an update they follow from.
ITEM_ATTRIBUTES = ("creator_id", "topics", "duration_ms", "year", "available_from")
USER_ATTRIBUTES = ("topics", "age")

# All that is heard of an update; what else it names changes nothing.
ITEMS_HEARD = (*ITEM_ATTRIBUTES, "title", "kind", "available_until")
USERS_HEARD = USER_ATTRIBUTES


def item_updates(events: str) -> str:
    """SQL of a row an item event of the relation `events`: item_id, event_type, event_us, position, what it names.

    Times are us since 1970. An item_start that names no available_from says that the item can be watched from its own
    event time on. An item_end names nothing.
    """
    begins = "CASE WHEN event_type = 'item_start' THEN event_us END"
    return f"""
SELECT item_id, event_type, event_us, position,
  {_text("creator_id")} AS creator_id, {_topics("topics")} AS topics, {_text("title")} AS title,
  {_text("kind")} AS kind, {_whole("year")} AS year, {_whole("duration_ms")} AS duration_ms,
  coalesce({_instant("available_from")}, {begins}) AS available_from, {_instant("available_until")} AS available_until
FROM ({_named(events, "item_id", ("item_start", "item_update", "item_end"))})"""


def user_updates(events: str) -> str:
    """SQL of a row a user_update of the relation `events`: user_id, event_us, position, topics and age."""
    return f"""
SELECT user_id, event_us, position, {_topics("topics")} AS topics, {_whole("age")} AS age
FROM ({_named(events, "user_id", ("user_update",))})"""


def _named(events: str, key: str, types: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{name}'" for name in types)
    return f"""
SELECT {key}, event_type, epoch_us(least(event_time, arrived_at)) AS event_us, log_position AS position,
  CASE WHEN event_type <> 'item_end' AND json_valid(attributes) THEN attributes END AS named
FROM {events} WHERE event_type IN ({listed}) AND {key} IS NOT NULL"""


def _text(name: str) -> str:
    return f"nullif(named->>'{name}', '')"


def _whole(name: str) -> str:
    return f"TRY_CAST(named->>'{name}' AS BIGINT)"


def _topics(name: str) -> str:
    """An array of strings, or one string with | between them, without empty ones; null where that leaves none."""
    given = f"""CASE json_type(named, '$.{name}') WHEN 'ARRAY' THEN TRY_CAST(named->'{name}' AS VARCHAR[])
    WHEN 'VARCHAR' THEN string_split(named->>'{name}', '|') END"""
    return f"""nullif(list_filter({given}, lambda topic: topic <> ''), [])"""


def _instant(name: str) -> str:
    """ISO text, or a number since 1970 whose size tells s, ms, us or ns: bounds lie past the year 5000 in each unit."""
    number, text = f"TRY_CAST(named->>'{name}' AS DOUBLE)", f"TRY_CAST(named->>'{name}' AS TIMESTAMPTZ)"
    return f"""CASE WHEN json_type(named, '$.{name}') = 'VARCHAR'
    THEN CASE WHEN isfinite({text}) THEN epoch_us({text}) END
    WHEN abs({number}) < 1e11 THEN ({number} * 1e6)::BIGINT WHEN abs({number}) < 1e14 THEN ({number} * 1e3)::BIGINT
    WHEN abs({number}) < 1e17 THEN {number}::BIGINT WHEN abs({number}) < 9e18 THEN ({number} / 1e3)::BIGINT END"""
