"""The audit for Prometheus: a text file, since a batch job has ended before anyone could scrape it.

It is what the node exporter's textfile collector reads (`--collector.textfile.directory`). The file appears whole. The
time of the last run is among the metrics, so that an alert can tell an audit that finds nothing from none.
"""

from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from streamrank import clock
from validation.audit.report import Report

RESULTS = ("equal", "mismatched", "missing", "in_flight")


def write_metrics(report: Report, path: Path) -> None:
    """Writes the report's counts to `path`, by feature and result."""
    registry = CollectorRegistry()
    path.parent.mkdir(parents=True, exist_ok=True)

    def gauge(name: str, help: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(f"streamrank_audit_{name}", help, ("dataset", *labels), registry=registry)

    values = gauge("values", "Served values of the last audit, by feature and result", ("feature", "result"))
    difference = gauge("largest_difference", "Largest difference of a served value", ("feature",))
    stale = gauge("stale_ratio", "Share of values that differ from what was known at the request", ("feature",))
    for name, counts in report.features.items():
        for result in RESULTS:
            values.labels(report.dataset, name, result).set(getattr(counts, result))
        difference.labels(report.dataset, name).set(counts.largest_difference)
        stale.labels(report.dataset, name).set(counts.stale / counts.asked if counts.asked else 0.0)
    gauge("rows", "Served rows of the last audit").labels(report.dataset).set(report.rows)
    gauge("seconds", "How long the last audit took").labels(report.dataset).set(report.seconds)
    gauge("sound", "1 when the last audit found nothing mismatched or missing").labels(report.dataset).set(report.sound)
    last = gauge("last_run_timestamp_seconds", "When the last audit ran, seconds since 1970")
    last.labels(report.dataset).set(clock.now_us() / clock.SECOND)
    write_to_textfile(str(path), registry)
