"""What `/metrics` says of the intake beside BentoML's own counters. Made once in each worker process."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa

from catalog.publishing import Receipt
from validation.events import counts_by_kind
from validation.rules import event_rules

if TYPE_CHECKING:
    from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True)
class Metrics:
    taken: "Counter"
    duplicates: "Counter"
    refused: "Counter"  # by reason's kind
    unknown_items: "Counter"
    turned_back: "Counter"  # requests, by why: "full" or "unreachable"
    publish_seconds: "Histogram"
    bus_bytes: "Gauge"
    quarantine_dropped: "Gauge"

    def count(self, receipts: Sequence[Receipt]) -> None:
        """Adds what became of some requests."""
        self.taken.inc(sum(receipt.taken for receipt in receipts))
        self.duplicates.inc(sum(receipt.duplicates for receipt in receipts))
        self.unknown_items.inc(sum(receipt.unknown_items for receipt in receipts))
        reasons = [chunk for receipt in receipts for chunk in receipt.refused["reason"].chunks if len(chunk)]
        if reasons:
            for kind, rows in counts_by_kind(pa.chunked_array(reasons)).items():
                self.refused.labels(kind).inc(rows)


@cache
def metrics() -> Metrics:
    """The process's metrics, every one visible from the start."""
    from prometheus_client import Counter, Gauge, Histogram

    made = Metrics(
        taken=Counter("streamrank_events_taken", "Events that the bus took"),
        duplicates=Counter("streamrank_events_duplicate", "Events whose event_id had been taken before"),
        refused=Counter("streamrank_events_refused", "Events turned away at the door, by reason", ["reason"]),
        unknown_items=Counter("streamrank_events_of_unknown_items", "Events taken whose item nobody has described"),
        turned_back=Counter("streamrank_publish_turned_back", "Requests to be sent again, by why", ["reason"]),
        publish_seconds=Histogram("streamrank_publish_seconds", "From the door to the bus's answer", buckets=SECONDS),
        bus_bytes=Gauge("streamrank_bus_bytes", "Bytes of events that the bus holds", multiprocess_mode="livemax"),
        quarantine_dropped=Gauge(
            "streamrank_quarantine_dropped", "Refused events that were answered but found no room in quarantine",
            multiprocess_mode="livesum",
        ),
    )  # fmt: skip
    for rule in event_rules(0):
        made.refused.labels(rule.kind)
    for reason in ("full", "unreachable"):
        made.turned_back.labels(reason)
    return made
