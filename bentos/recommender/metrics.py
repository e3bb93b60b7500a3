"""What `/metrics` says of this service beside BentoML's own counters. Made once in each worker process.

`prometheus_client` is imported by the worker only: BentoML names the folder its workers share before it starts them.
"""

from collections import deque
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from streamrank.events.served import QUEUE_FULL, WRITE_FAILED

if TYPE_CHECKING:
    from prometheus_client import Counter, Gauge, Histogram

NO_FALLBACK = "none"
READ_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
STAGE_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)
STAGES = ("retrieve", "rank", "rerank")


@dataclass(frozen=True)
class Metrics:
    requests: "Counter"  # by fallback, "none" where the ranker answered
    degraded: "Gauge"
    read_seconds: "Histogram"  # by read: "user" or "candidates"
    stage_seconds: "Histogram"  # by stage: "retrieve", "rank" or "rerank"
    source_seconds: "Histogram"  # by source, of those that answered
    sources_left_out: "Counter"  # by source and reason: "late" or "failed"
    ended_items: "Counter"
    served_written: "Counter"
    served_dropped: "Counter"  # by reason
    by_source: dict[str, "Histogram"] = field(default_factory=dict)  # of `source_seconds`, those met before
    waiting: deque[Mapping[str, float]] = field(default_factory=deque)  # seconds by source that are not counted yet

    def answered(self, fallback: str | None) -> None:
        self.requests.labels(fallback or NO_FALLBACK).inc()

    def reading(self, read: str) -> AbstractContextManager:
        return self.read_seconds.labels(read).time()

    def stage(self, stage: str) -> AbstractContextManager:
        return self.stage_seconds.labels(stage).time()

    def asked(self, seconds: Mapping[str, float], left_out: Mapping[str, str]) -> None:
        """seconds: by source, of those that answered; `settle` counts them. left_out: source -> why, as
        `<reason>: <words>`."""
        self.waiting.append(seconds)
        for source, why in left_out.items():
            self.sources_left_out.labels(source, why.partition(":")[0]).inc()

    def settle(self) -> None:
        """Counts what can wait until an answer is on its way: twenty sources would cost it a tenth of a millisecond."""
        with suppress(IndexError):
            while True:
                for source, took in self.waiting.popleft().items():
                    if source not in self.by_source:  # looking a label up costs more than counting by it
                        self.by_source[source] = self.source_seconds.labels(source)
                    self.by_source[source].observe(took)

    def wrote(self, rows: int) -> None:
        self.served_written.inc(rows)

    def dropped(self, rows: int, reason: str) -> None:
        self.served_dropped.labels(reason).inc(rows)


@cache
def metrics() -> Metrics:
    """The process's metrics, every one visible from the start."""
    from prometheus_client import Counter, Gauge, Histogram

    made = Metrics(
        requests=Counter("streamrank_requests", "Answers of /recommend, by fallback", ["fallback"]),
        degraded=Gauge(
            "streamrank_degraded", "1 while the online store is unavailable and popular items are answered",
            multiprocess_mode="livemax",
        ),
        read_seconds=Histogram(
            "streamrank_feature_read_seconds", "Time of an online feature read", ["read"], buckets=READ_SECONDS
        ),
        stage_seconds=Histogram(
            "streamrank_stage_seconds", "Time of a stage of ranking", ["stage"], buckets=STAGE_SECONDS
        ),
        source_seconds=Histogram(
            "streamrank_source_seconds", "Time of a source of candidates", ["source"], buckets=STAGE_SECONDS
        ),
        sources_left_out=Counter(
            "streamrank_sources_left_out", "Sources of candidates left out of an answer", ["source", "reason"]
        ),
        ended_items=Counter("streamrank_ended_items_left_out", "Candidates left out because the item had ended"),
        served_written=Counter("streamrank_served_rows_written", "Rows of the served log written to disk"),
        served_dropped=Counter("streamrank_served_rows_dropped", "Rows the served log let go, by reason", ["reason"]),
    )  # fmt: skip
    made.degraded.set(0)
    for stage in STAGES:
        made.stage_seconds.labels(stage)
    for reason in (QUEUE_FULL, WRITE_FAILED):
        made.dropped(0, reason)
    return made
