import pytest

from benchmarks.freshness import bench as freshness
from benchmarks.ingest import bench as ingest


def test_every_value_that_ingest_leaves_is_what_a_recount_says(tmp_path):
    figure = ingest.bench(
        ingest.Sizes(events=3_000, keyed_events=500, items=50, users=1_000, skip_stock=True), tmp_path
    ).as_dict()
    assert figure["agree"] and figure["three_views"]["agree"]
    for side in (figure["ours"], figure["three_views"]["ours"]):
        assert side["events_per_s"] > 0 and side["merges_per_s"] > 0
    assert figure["publishing"]["ours"]["events"] == 3_000


@pytest.mark.slow
def test_freshness_sees_every_marked_event(tmp_path):
    figure = freshness.bench(freshness.Sizes(rate=500, seconds=1, items=10), tmp_path).as_dict()
    assert sum(figure["histogram"].values()) == 100
    assert 0 <= figure["ours"]["p50_ms"] <= figure["ours"]["p99_ms"]
