"""The audit of a served log that a count in plain Python wrote: it agrees, and every way of spoiling it is found."""

from collections.abc import Iterator

import audited_world
import numpy as np
import pytest
from audited_world import DAY, LIVE, MINUTE, NOW, STORED, AuditedWorld, build, write_log
from proof.recount import Recount

from streamrank import clock
from streamrank.clock import VirtualClock
from validation.audit.audit import audit
from validation.audit.recompute import Patience
from validation.audit.report import Report
from validation.audit.served import Chosen

FEATURES = (*STORED, *(feature.name for feature in LIVE.features), "share", "hour")
LAGGING = Patience(grace_us=4 * clock.HOUR)  # the world's tiles lag by up to two hours


@pytest.fixture(scope="module")
def world(redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuditedWorld]:
    with clock.use(VirtualClock(NOW)):
        yield build(tmp_path_factory.mktemp("audited"), redis_server)


@pytest.fixture
def rows(world: AuditedWorld) -> Iterator[list[dict]]:
    """The served rows to spoil; the world is as it was afterwards."""
    yield [dict(row) for row in world.rows]
    world.write_served()


def run(world: AuditedWorld, rows: list[dict] | None = None, patience: Patience = LAGGING, **options) -> Report:
    if rows is not None:
        world.write_served(rows)
    log = options.pop("log", world.log)
    return audit(world.store, world.service, world.served, log, Chosen(**options), patience)


def test_what_was_counted_by_hand_is_equal_to_the_bit(world):
    found = run(world)
    assert found.total("mismatched") == found.total("missing") == found.total("in_flight") == 0
    assert found.total("compared") == found.total("equal") == len(world.rows) * len(FEATURES)
    assert tuple(found.features) == FEATURES
    assert found.requests == 40
    assert all(found.features[name].nonzero for name in FEATURES)


def test_a_value_that_differs_in_its_last_bit_is_mismatched(world, rows):
    spoilt = {name: next(row for row in rows if row[name]) for name in FEATURES}
    for name, row in spoilt.items():
        row[name] = float(np.nextafter(np.float32(row[name]), np.float32(np.inf)))
    found = run(world, rows)
    assert (found.total("mismatched"), found.total("missing")) == (len(FEATURES), 0)
    for name, row in spoilt.items():
        assert found.features[name].mismatched == 1 and found.features[name].largest_difference > 0
        (example,) = found.features[name].examples
        assert (example["request_id"], example["item_id"]) == (row["request_id"], row["item_id"])


def test_what_only_one_side_has_is_missing(world, rows):
    not_served = next(row for row in rows if row["views_1h"])
    not_offline = next(row for row in rows if row["daily_views"] is None)
    not_served["views_1h"], not_offline["daily_views"] = None, 5.0
    found = run(world, rows)
    assert found.features["views_1h"].reasons == {"not served": 1}
    assert found.features["daily_views"].reasons == {"not found offline": 1}
    assert (found.total("mismatched"), found.total("missing")) == (0, 2)


def test_a_row_that_the_source_does_not_have_is_missing(world, rows):
    row = next(row for row in rows if row["daily_views"])
    row["item_daily__created_us"] += 1
    found = run(world, rows)
    assert found.features["daily_views"].reasons == found.features["daily_rate"].reasons == {"not found offline": 1}


def test_a_row_known_after_all_that_the_source_has_is_in_flight_until_the_next_batch_run(world, rows):
    row = next(row for row in reversed(rows) if row["daily_views"])
    row["item_daily__created_us"] = row["as_of"]
    patient = run(world, rows)
    impatient = run(world, patience=Patience(grace_us=4 * clock.HOUR, rows_us=0))
    assert patient.features["daily_views"].in_flight == patient.features["share"].in_flight == 1
    assert patient.sound and patient.features["views_1h"].in_flight == 0
    assert impatient.features["daily_views"].missing == 1


def test_recorded_positions_decide_and_not_the_clock(world, rows):
    row = next(row for row in rows if row["views_10m"])
    row["item_live__applied"] = [None] * 16
    found = run(world, rows)
    assert found.features["views_10m"].reasons == {"differs": 1}


def test_a_value_beyond_the_log_is_in_flight_while_it_may_be_on_its_way(world, rows, tmp_path):
    end = max(row["as_of"] for row in rows)
    write_log(tmp_path / "log", [event for event in world.events if event["position"] <= end - 6 * clock.HOUR])
    with clock.use(VirtualClock(end)):
        patient = run(world, log=tmp_path / "log", patience=Patience(log_us=DAY, grace_us=DAY))
        impatient = run(world, log=tmp_path / "log", patience=Patience(log_us=MINUTE, grace_us=DAY))
    assert patient.sound and patient.total("in_flight") > 0
    assert patient.features["daily_views"].in_flight == 0
    assert patient.features["share"].in_flight == patient.features["views_1h"].in_flight
    assert patient.total("compared") + patient.total("in_flight") == len(rows) * len(FEATURES)
    assert any("by now" in reason for reason in impatient.features["views_1h"].reasons)
    assert not impatient.sound


def test_a_key_that_lost_its_value_is_missing_though_it_agrees_with_its_positions(world, rows):
    lost = next(row for row in rows if row["watch_ever"] and row["as_of"] > NOW - DAY // 2 - clock.HOUR)
    _forget(lost)
    found = run(world, rows)
    (reason,) = found.features["watch_ever"].reasons
    assert "lost" in reason and found.features["watch_ever"].missing == 1


def test_a_key_that_stood_still_while_others_went_on_is_missing(world, rows):
    recount = Recount(LIVE, world.events)
    ordered = sorted(rows, key=lambda row: row["as_of"])
    behind = next(row for row in ordered[-30:] if row["item_id"] == "i0")
    before = next(row for row in ordered[:30] if row["item_id"] == "i0")
    behind["item_live__applied"] = before["item_live__applied"]
    behind |= recount.by_position(("i0",), behind["as_of"], before["item_live__applied"])
    behind["share"] = float(np.float32(behind["views_1h"] / (behind["daily_views"] + 1)))
    found = run(world, rows)
    assert found.total("mismatched") == 0
    assert "lost" in next(iter(found.features["watch_ever"].reasons))


def test_tiles_that_nobody_filled_do_not_pass_for_empty_ones(world, rows):
    for row in rows:
        _forget(row)
    found = run(world, rows)
    assert found.total("mismatched") == 0 and found.features["watch_ever"].missing > len(rows) / 2


def test_freshness_counts_what_differs_from_a_training_row(world):
    found = run(world)
    assert found.features["views_10m"].stale > 0
    assert found.features["daily_views"].stale == found.features["hour"].stale == 0
    assert found.features["views_10m"].asked == len(world.rows)


def test_only_chosen_requests_are_audited(world):
    everything, half = run(world), run(world, sample=0.5)
    assert 0 < half.requests < everything.requests
    assert half.rows == half.requests * 30
    assert run(world, sample=0.5).features == half.features
    late = run(world, since_us=sorted(row["as_of"] for row in world.rows)[600])
    assert late.rows == 600


def test_rows_without_features_are_left_out_and_counted(world, rows):
    for row in rows[:30]:
        row["fallback"] = "unknown_user"
    found = run(world, rows)
    assert (found.rows, found.fallbacks) == (len(rows) - 30, 30)


def test_a_feature_that_the_service_no_longer_has_is_missing_offline(world, rows, monkeypatch):
    table = audited_world.served_table

    def renamed(rows: list[dict]):
        return (lambda made: made.rename_columns(["gone" if n == "hour" else n for n in made.column_names]))(
            table(rows)
        )

    monkeypatch.setattr(audited_world, "served_table", renamed)
    found = run(world, rows)
    assert found.features["gone"].kind == "unknown"
    assert found.features["gone"].missing == sum(row["hour"] is not None for row in rows)


def _forget(row: dict) -> None:
    """As a reader finds a key whose value is gone."""
    row["item_live__applied"] = [None] * 16
    row |= dict.fromkeys(("views_10m", "views_1h", "watch_1h", "watch_ever"), 0.0)
    row |= dict.fromkeys(("mean_watch_1h", "highest_price_1h", "last_price"))
    row["share"] = None if row["daily_views"] is None else 0.0
