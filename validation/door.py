"""The door for events as they happen: the rules and reasons of `validation.events`, at the pace of requests.

What differs is how it is done: values are cast without SQL where they need none, and Arrow judges in place of Great
Expectations. Whether an event is new is not asked here: the bus answers that in the step that takes it.
"""

import pyarrow as pa
import pyarrow.compute as pc

from catalog.schema import PUBLISHED
from catalog.sql import quick
from validation.event_checks import soundness
from validation.events import GIVEN, Admission, turned_away
from validation.offered import identified, offered
from validation.plain import cast_plainly
from validation.rules import by_arrow


def admit_arriving(rows: pa.Table, now_us: int, tolerance_us: int, integer_ids: tuple[str, ...] = ()) -> Admission:
    """Judges `rows` (any columns of PUBLISHED, in any type that can be read as its) as arriving now.

    good: in the columns of PUBLISHED. A time ahead of `now_us` by up to `tolerance_us` is left as it is, for the bus
    reads it as the arrival that it gives. bad: as of `validation.events.admit`. Stamps in `rows` are not looked at.
    `session_start` and `session` are refused: the stream makes them.
    integer_ids: which of user_id and item_id are integers in the data set, and could not be answered as other text.
    """
    known = rows.select([name for name in rows.column_names if name in PUBLISHED.names])
    events = offered(identified(cast_plainly(known, GIVEN), quick), now_us, quick, integer_ids)
    reasons = soundness(events, tolerance_us, by_arrow, quick, arriving=True)
    good = pc.equal(reasons, "")
    admitted = events.select(PUBLISHED.names).filter(good).cast(PUBLISHED)
    return Admission(admitted, turned_away(rows, reasons, pc.invert(good)))
