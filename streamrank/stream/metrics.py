"""What a worker counts, for Prometheus."""

from dataclasses import dataclass

from prometheus_client import Counter, Gauge, Histogram

from streamrank.stream.round import Round

EVENTS = Counter("streamrank_stream_events_total", "Events applied to the windows")
MERGES = Counter("streamrank_stream_merges_total", "Keys merged")
SKIPPED = Counter("streamrank_stream_skipped_total", "Keys that held a batch already when it was applied again")
ROUNDS = Counter("streamrank_stream_rounds_total", "Micro-batches committed")
RECOVERIES = Counter("streamrank_stream_recoveries_total", "Open intents of other owners that were finished")
LAG = Gauge("streamrank_stream_lag_seconds", "From arrival to commit, of the oldest event in the last batch", ["shard"])
WAITED = Histogram(
    "streamrank_stream_wait_seconds", "From arrival to commit, of the oldest event of each batch",
    buckets=(0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300),
)  # fmt: skip


def told(done: Round) -> None:
    """Adds up what one round did."""
    RECOVERIES.inc(done.recovered)
    if not done.events:
        return
    EVENTS.inc(done.events)
    MERGES.inc(done.merged)
    SKIPPED.inc(done.skipped)
    ROUNDS.inc()
    WAITED.observe(max(done.lags.values(), default=0.0))
    for shard, seconds in done.lags.items():
        LAG.labels(shard).set(seconds)


@dataclass(frozen=True)
class Counts:
    """events, merges: since the process began. lag_seconds: of the shard that lags most."""

    events: float
    merges: float
    lag_seconds: float


def counts() -> Counts:
    """What this process has done so far."""
    lags = [sample.value for metric in LAG.collect() for sample in metric.samples]
    return Counts(_value(EVENTS), _value(MERGES), max(lags, default=0.0))


def _value(counter: Counter) -> float:
    samples = [sample for metric in counter.collect() for sample in metric.samples]
    return next(sample.value for sample in samples if sample.name.endswith("_total"))
