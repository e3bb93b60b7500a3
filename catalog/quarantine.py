"""The quarantine: what was turned away, each row with its reason, one Parquet file for each table of each load."""

import os

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.dataset import DataSet
from validation.events import counts_by_kind

TABLES = ("events", "items", "users")


def keep(data: DataSet, table: str, fingerprint: str, bad: pa.Table, lines: pa.Table | None) -> None:
    """Writes the rows `bad` (their own columns, `row`, `reason`) and `lines` (line, reason) of a load over its last."""
    file = data.quarantine / f"{table}-{fingerprint[:16]}.parquet"
    rows = pa.concat_tables([bad, lines], promote_options="permissive") if lines is not None and len(lines) else bad
    if not len(rows):
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    pq.write_table(rows, partial)
    os.replace(partial, file)


def counts(data: DataSet) -> dict[str, int]:
    """Rows in quarantine, as "quarantined events" and for each reason "quarantined events: negative watch_ms"."""
    found = {}
    for table in TABLES:
        reasons = [
            pq.read_table(file, columns=["reason"], partitioning=None)["reason"]
            for file in sorted(data.quarantine.glob(f"{table}-*.parquet"))
        ]
        if reasons:
            together = pa.chunked_array([chunk for reason in reasons for chunk in reason.chunks], pa.string())
            found[f"quarantined {table}"] = len(together)
            found |= {f"quarantined {table}: {kind}": n for kind, n in counts_by_kind(together).items()}
    return found
