"""Estimates from lists that were served with logged propensities."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from histories import DAY, make_data_set

from pipelines.protocols.served_policy import served_policy
from streamrank.clock import HOUR, SECOND

START = 20_000 * DAY
DRAWN, KEPT = 0.25, 0.75  # of each answer's two slots, whether another item than the ranker's was put there


@pytest.fixture
def served(platform):
    """400 answers of one item: the ranker's own with KEPT, always viewed, or another with DRAWN, which never is."""
    numbers = np.arange(400)
    own = (numbers // 40 + numbers) % 4 != 0
    times = START + np.arange(400) * 60 * SECOND
    views = [
        {"event_type": "view", "user_id": f"u{n % 40}", "item_id": f"i{n}", "event_time": int(times[n]) + SECOND}
        for n in np.flatnonzero(own).tolist()
    ]
    late = {"event_type": "view", "user_id": "u0", "item_id": "i9999", "event_time": START + 9 * HOUR}
    data = make_data_set([event | {"event_id": f"e{number}"} for number, event in enumerate([*views, late])])
    rows = {
        "user_id": [f"u{n % 40}" for n in range(400)], "item_id": [f"i{n}" for n in range(400)],
        "as_of": pa.array(times, pa.timestamp("us", "UTC")), "slot": pa.array(np.ones(400, np.int32)),
        "stood": pa.array(np.where(own, 1, 7).astype(np.int32)), "returned": [True] * 400,
        "propensity": np.where(own, KEPT, DRAWN),
    }  # fmt: skip
    folder = data.served / f"served_on={datetime.fromtimestamp(START / 1e6, UTC):%Y-%m-%d}"
    folder.mkdir(parents=True)
    pq.write_table(pa.table(rows), folder / "a.parquet")
    return data


def test_an_order_that_always_earns_is_seen_to_though_it_was_shown_three_times_of_four(served):
    found = served_policy(served)
    assert found["served"]["mean"] == pytest.approx(KEPT)
    own = found["the ranker's own order"]
    assert own["ips"]["mean"] == pytest.approx(1) and own["snips"]["mean"] == pytest.approx(1)
    assert own["ips"]["low"] < 1 < own["ips"]["high"]
    assert found["support"]["rows"] == 400


def test_without_a_served_log_it_says_so(platform):
    data = make_data_set([{"event_type": "view", "user_id": "u", "item_id": "i", "event_time": START}])
    assert served_policy(data) == "no list was served yet"
