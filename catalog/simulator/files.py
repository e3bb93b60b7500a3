"""A simulation as files in the neutral layout, which `streamrank dataset files` loads."""

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from catalog.simulator.simulate import Plan, simulate
from catalog.simulator.telling import OFFERED, items_table, users_table


def write_files(plan: Plan, folder: Path, report: Callable[[float, int], None] = lambda share, events: None) -> int:
    """Writes events.parquet, items.parquet and users.parquet; how many events. report(share done, events so far)."""
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(items_table(plan.world, plan.items), folder / "items.parquet")
    pq.write_table(users_table(plan.world), folder / "users.parquet")
    written, partial = 0, folder / "events.partial"
    with pq.ParquetWriter(partial, OFFERED) as writer:
        for slices, told in enumerate(simulate(plan), 1):
            writer.write_table(told)
            written += len(told)
            report(min(1.0, slices * plan.slice_us / (plan.end_us - plan.start_us)), written)
    partial.replace(folder / "events.parquet")
    return written
