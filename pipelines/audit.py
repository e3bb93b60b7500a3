"""The skew audit as a step: what was served, against the log and the features, and what was found written down."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from catalog.dataset import DataSet
from pipelines.feature_store import feature_service, open_store
from pipelines.inputs import StepMissing
from validation.audit.audit import audit
from validation.audit.metrics import write_metrics
from validation.audit.page import write_page
from validation.audit.recompute import Patience
from validation.audit.report import Report
from validation.audit.served import Chosen

SERVICE = "ranker"


def run_audit(
    data: DataSet, since_us: int | None = None, sample: float = 1.0, service: str = SERVICE, html: Path | None = None,
    patience: Patience = Patience(), report: Callable[[int, int], None] = lambda done, total: None,
) -> Report:  # fmt: skip
    """Audits what the data set's service has served, and writes audit.json, audit.html and audit.prom to <home>/audit/.

    since_us, sample: see `Chosen`. html: where the page goes instead. report(done, total): hears the progress.
    Raises StepMissing when nothing was served. What was found is in the report: `require_equal` fails on it.
    """
    store = open_store()
    found = audit(
        store, feature_service(store, service), data.served, data.events, Chosen(since_us, sample),
        patience, report,
    )  # fmt: skip
    if not found.rows:
        raise StepMissing(
            f"data set {data.name!r}: expected rows scored by the ranker in the served log {data.served}, found "
            f"{found.fallbacks:,} rows, all without features"
            + (" since then" if since_us else "")
            + "; run `streamrank serve`, ask it, and wait for the log to be written"
        )
    found = replace(found, dataset=data.name)
    write(found, data, html)
    return found


def write(found: Report, data: DataSet, html: Path | None = None) -> None:
    """The report as JSON, as a page and for Prometheus."""
    folder = data.home / "audit"
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / ".audit.json.partial"
    partial.write_text(json.dumps(found.as_json(), indent=1) + "\n")
    os.replace(partial, folder / "audit.json")
    write_page(found, html or folder / "audit.html")
    write_metrics(found, folder / "audit.prom")
