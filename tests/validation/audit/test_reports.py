"""What an audit's report becomes: a failure with words, metrics, a page, JSON."""

import json
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from validation.audit.compare import Counts
from validation.audit.metrics import write_metrics
from validation.audit.page import page, write_page
from validation.audit.report import Report
from validation.audit.suite import SkewFound, check, require_equal

EXAMPLE = {"reason": "differs", "feature": "views", "served": 3.0, "offline": None, "item_id": "<i&1>"}


def report(**features: Counts) -> Report:
    return Report(
        dataset="shop", service="ranker", audited_at="2026-01-03T00:00:00+00:00", sample=1.0, rows=10, requests=2,
        fallbacks=0, first="2026-01-02T00:00:00+00:00", last="2026-01-02T01:00:00+00:00", seconds=0.5,
        features=features,
    )  # fmt: skip


def sound() -> Counts:
    return Counts("item_live", "windows", compared=9, equal=9, nonzero=5, in_flight=1, asked=10, stale=4)


def broken() -> Counts:
    return Counts(
        "item_live", "windows", compared=10, equal=7, nonzero=5, mismatched=2, missing=1, largest_difference=3.0,
        reasons={"differs": 2, "not served": 1}, examples=[EXAMPLE],
    )  # fmt: skip


def test_a_sound_report_breaks_no_expectation():
    assert check(report(views=sound())) == []
    require_equal(report(views=sound()))


def test_skew_is_an_error_that_names_the_features_and_why():
    with pytest.raises(SkewFound) as raised:
        require_equal(report(views=sound(), likes=broken()))
    message = str(raised.value)
    assert "no value differs: broken by likes (2; 2 differs; 1 not served)" in message
    assert "no value is missing: broken by likes" in message and "views" not in message.split("docs")[0]


def test_a_count_that_does_not_add_up_is_no_success():
    lost = Counts("item_live", "windows", compared=10, equal=9)
    assert any("every compared value is judged" in sentence for sentence in check(report(views=lost)))


def test_json_has_the_totals_and_every_feature():
    found = json.loads(json.dumps(report(views=sound(), likes=broken()).as_json()))
    assert (found["compared"], found["nonzero"], found["mismatched"], found["missing"]) == (19, 10, 2, 1)
    assert (found["in_flight"], found["largest_difference"]) == (1, 3.0)
    assert found["freshness"] == {"asked": 10, "stale": 4, "share": 0.4}
    assert set(found["features"]) == {"views", "likes"}
    assert found["features"]["likes"]["examples"] == [EXAMPLE]


def test_prometheus_reads_the_counts_and_when_they_were_made(tmp_path: Path):
    write_metrics(report(views=sound(), likes=broken()), tmp_path / "audit" / "audit.prom")
    families = text_string_to_metric_families((tmp_path / "audit" / "audit.prom").read_text())
    samples = {(s.name, s.labels.get("feature"), s.labels.get("result")): s.value for f in families for s in f.samples}
    assert samples["streamrank_audit_values", "likes", "mismatched"] == 2
    assert samples["streamrank_audit_values", "views", "in_flight"] == 1
    assert samples["streamrank_audit_stale_ratio", "views", None] == 0.4
    assert samples["streamrank_audit_sound", None, None] == 0
    assert samples["streamrank_audit_last_run_timestamp_seconds", None, None] > 1.7e9


def test_the_page_tells_the_verdict_and_escapes_what_users_wrote(tmp_path: Path):
    write_page(report(views=sound()), tmp_path / "page.html")
    good, bad = (tmp_path / "page.html").read_text(), page(report(likes=broken()))
    assert "Served values are what they are offline" in good and "nothing differs" in good
    assert "Served values differ from offline" in bad
    assert "&lt;i&amp;1&gt;" in bad and "<i&1>" not in bad
