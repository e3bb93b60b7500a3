"""Which offered events break a rule, and in words what was found; and which have come before."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.sql import Ask, file_list, query
from validation.checks import broken
from validation.rules import Judge, event_rules

DUPLICATE = "event_id || CASE WHEN taken THEN ' is in the log' ELSE ' stands in an earlier row' END"


def soundness(events: pa.Table, tolerance_us: int, judge: Judge, ask: Ask, arriving: bool = False) -> pa.Array:
    """For each of `offered` events what is wrong with it in itself, "" where nothing is."""
    rules = event_rules(tolerance_us, arriving)
    return _reasons(events, judge(events, rules), {rule.kind: rule.found for rule in rules}, ask)


def identity(sound: pa.Table, logged: Sequence[str]) -> pa.Array:
    """For each sound event whether its event_id stands in an earlier one or in the log, "" where it is new."""
    import great_expectations.expectations as gxe

    ids = pc.cast(sound["event_id"], pa.string()).combine_chunks()
    taken = pc.is_in(ids, value_set=_ids(logged))
    earlier = pa.table({"earlier": _came_before(ids) | taken.to_numpy(zero_copy_only=False)}).to_pandas()
    expectation = gxe.ExpectColumnValuesToBeInSet(column="earlier", value_set=[False])
    masks = broken(earlier, {"duplicate event_id": expectation})
    return _reasons(sound.append_column("taken", taken), masks, {"duplicate event_id": DUPLICATE}, query)


def _ids(logged: Sequence[str]) -> pa.Array:
    if not logged:
        return pa.array([], pa.string())
    return query(f"SELECT event_id FROM read_parquet({file_list(logged)})")["event_id"].combine_chunks()


def _came_before(ids: pa.Array) -> np.ndarray:
    """bool [n]: whether an equal id stands in an earlier place."""
    codes = ids.dictionary_encode().indices.to_numpy()  # numbered as they first appear, so a new one is the highest yet
    return np.diff(np.maximum.accumulate(codes), prepend=-1) == 0


def _reasons(events: pa.Table, masks: dict[str, np.ndarray], found: dict[str, str], ask: Ask) -> pa.Array:
    """One text a row: kind, colon and what was found (SQL), for each mask that is set, joined by "; "."""
    hit = {kind: mask for kind, mask in masks.items() if mask.any()}
    if not hit:
        return pa.repeat(pa.scalar("", pa.string()), len(events))
    flagged = events
    for place, mask in enumerate(hit.values()):
        flagged = flagged.append_column(f"broken_{place}", pa.array(mask))
    # A semicolon parts two reasons, so none may come out of a value.
    texts = ", ".join(
        f"CASE WHEN broken_{place} THEN '{kind}: ' || translate(left(coalesce({found[kind]}, ''), 80), ';', ',') END"
        for place, kind in enumerate(hit)
    )
    sql = f"SELECT array_to_string(list_filter([{texts}], lambda text: text IS NOT NULL), '; ') AS reason FROM flagged"
    return ask(sql, flagged=flagged)["reason"].combine_chunks()
