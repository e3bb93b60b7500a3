"""What updates name that nothing is made of: the door says so, since it would otherwise be lost in silence."""

import pyarrow as pa
import pyarrow.compute as pc

from catalog.sql import quick
from catalog.updates import ITEMS_HEARD, USERS_HEARD

HEARD = {
    "item_start": ITEMS_HEARD, "item_update": ITEMS_HEARD, "item_end": (), "user_update": USERS_HEARD,
}  # fmt: skip
NAMED = """SELECT DISTINCT event_type, unnest(json_keys(attributes)) AS name FROM told ORDER BY ALL"""


def unheard(events: pa.Table) -> tuple[str, ...]:
    """Such as "attributes.country of user_update", each once. events: admitted ones, with event_type and attributes."""
    about = pc.and_(pc.is_in(events["event_type"], pa.array(list(HEARD))), pc.is_valid(events["attributes"]))
    if not pc.any(about).as_py():
        return ()
    named = quick(NAMED, told=events.select(["event_type", "attributes"]).filter(about)).to_pylist()
    return tuple(
        f"attributes.{each['name']} of {each['event_type']}"
        for each in named
        if each["name"] not in HEARD[each["event_type"]]
    )
