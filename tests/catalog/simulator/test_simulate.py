"""The simulated service is the same for the same seed, keeps its rate, and behaves as its preferences say."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from catalog.files import source
from catalog.simulator.files import write_files
from catalog.simulator.shows import items_of
from catalog.simulator.simulate import Plan, Spike, simulate
from catalog.simulator.telling import item_ids
from catalog.simulator.world import TOPICS, World
from streamrank.clock import DAY, HOUR, SECOND

START = 20_514 * DAY + 19 * HOUR  # an evening
WORLD = World(seed=5, users=2_000, creators=300, titles=50)
PLAN = Plan(WORLD, rate=500, seconds=240, start_us=START)


def run(plan: Plan) -> pa.Table:
    return pa.concat_tables(simulate(plan)).combine_chunks()


@pytest.fixture(scope="module")
def events() -> pa.Table:
    return run(PLAN)


def of_type(events: pa.Table, *kinds: str) -> pa.Table:
    return events.filter(pc.is_in(events["event_type"], pa.array(kinds)))


def creators_of(items: pa.ChunkedArray, plan: Plan = PLAN) -> np.ndarray:
    """int [n]: number of each item's creator."""
    known = item_ids(WORLD, plan.items)
    return plan.items.creators[pc.index_in(items, known).to_numpy()]


def users_of(events: pa.Table) -> np.ndarray:
    return pc.utf8_slice_codeunits(events["user_id"], 1).cast(pa.int32()).to_numpy()


def test_the_same_seed_makes_the_same_bytes_and_another_one_others(tmp_path):
    plan = replace(PLAN, seconds=30)
    for folder in ("a", "b"):
        write_files(plan, tmp_path / folder)
    write_files(replace(plan, world=replace(WORLD, seed=6)), tmp_path / "c")
    for name in ("events.parquet", "items.parquet", "users.parquet"):
        first, again, other = ((tmp_path / folder / name).read_bytes() for folder in "abc")
        assert first == again
        assert first != other


def test_events_come_in_the_order_of_arrival_at_the_rate_that_was_asked_for(events):
    arrivals = events["arrived_at"].cast(pa.int64()).to_numpy()
    assert (np.diff(arrivals) >= 0).all()
    assert arrivals[0] >= START and arrivals[-1] < PLAN.end_us
    assert len(events) == pytest.approx(PLAN.rate * PLAN.seconds, rel=0.1)
    quarters = np.histogram(arrivals, 4)[0] / (PLAN.seconds / 4)
    assert quarters == pytest.approx(PLAN.rate, rel=0.2)
    assert pc.count_distinct(events["event_id"]).as_py() == len(events)


def test_some_events_are_late_and_some_are_sent_again():
    lame = run(replace(PLAN, seconds=60, late=0.2, repeated=0.1))
    about = lame.filter(pc.is_valid(lame["user_id"]))
    delays = pc.subtract(about["arrived_at"].cast(pa.int64()), about["event_time"].cast(pa.int64())).to_numpy()
    assert (delays >= 0).all()
    assert 0.1 < (delays > 0).mean() < 0.4
    again = len(lame) - pc.count_distinct(lame["event_id"]).as_py()
    assert 0.05 < again / len(lame) < 0.15


def test_nothing_is_shown_that_is_not_on_the_air(events):
    shown = of_type(events, "impression", "viewer_enter")
    times, items = shown["event_time"].cast(pa.int64()).to_numpy(), PLAN.items
    places = pc.index_in(shown["item_id"], item_ids(WORLD, items)).to_numpy()
    assert (items.starts[places] <= times + PLAN.slice_us).all()
    assert (times - PLAN.slice_us <= items.ends[places]).all()


def test_what_a_viewer_does_comes_in_its_order(events):
    of_a_visit = ("click", "viewer_enter", "viewer_ping", "viewer_leave")
    signs = of_type(events, *of_a_visit).sort_by([("request_id", "ascending"), ("event_time", "ascending")])
    visits = {}
    for visit, kind, time in zip(
        *(signs[name].to_pylist() for name in ("request_id", "event_type", "event_time")), strict=True
    ):
        visits.setdefault(visit, []).append((kind, time))
    whole = [signs for signs in visits.values() if {"viewer_enter", "viewer_leave"} <= {kind for kind, _ in signs}]
    assert len(whole) > 100
    for each in whole:
        kinds = [kind for kind, _ in each if kind != "viewer_ping"]
        assert kinds in (["click", "viewer_enter", "viewer_leave"], ["viewer_enter", "viewer_leave"])
        pings = [time for kind, time in each if kind == "viewer_ping"]
        assert all((later - earlier).total_seconds() == 60 for earlier, later in pairwise(pings))


def test_clicks_follow_the_known_preferences(events):
    shown = of_type(events, "impression")
    liking = WORLD.liking(users_of(shown), creators_of(shown["item_id"]))
    clicked = pc.is_in(shown["event_id"], of_type(events, "click")["impression_id"]).to_numpy(zero_copy_only=False)
    indifferent, keen = clicked[liking < 0.1].mean(), clicked[liking > 0.5].mean()
    assert keen > 4 * indifferent
    watched = of_type(events, "view")
    long = WORLD.liking(users_of(watched), creators_of(watched["item_id"]))
    ms = watched["watch_ms"].to_numpy()
    assert ms[long > 0.5].mean() > 1.3 * ms[long < 0.1].mean()


def test_creators_go_on_air_by_the_hour_of_the_day():
    day = items_of(World(seed=5, creators=3_000, titles=0), START, START + DAY)
    evening, night = (len(day.on_air(20_515 * DAY + hour * HOUR)) for hour in (21 - 24, 4))
    assert evening > 2 * night > 0


def test_shows_are_announced_begin_and_end_with_what_is_said_of_them():
    told = run(replace(PLAN, seconds=3 * 3_600, rate=5))
    items = replace(PLAN, seconds=3 * 3_600, rate=5).items
    of_items = of_type(told, "item_start", "item_end").to_pylist()
    by_show = {}
    for each in of_items:
        by_show.setdefault(each["item_id"], []).append(each)
    whole = [said for said in by_show.values() if len(said) == 3]
    assert whole
    topics = {f"c{creator}": [TOPICS[code] for code in codes] for creator, codes in enumerate(WORLD.creator_topics)}
    for announced, begins, ends in whole:
        assert [each["event_type"] for each in (announced, begins, ends)] == ["item_start", "item_start", "item_end"]
        first, then = json.loads(announced["attributes"]), json.loads(begins["attributes"])
        assert first["available_from"] == then["available_from"] == f"{begins['event_time']:%Y-%m-%dT%H:%M:%SZ}"
        assert first["topics"] == topics[first["creator_id"]]
        assert first["kind"] == "live"
        assert then["available_until"] > f"{ends['event_time']:%Y-%m-%dT%H:%M:%SZ}"
        assert ends["attributes"] is None
    assert len(of_type(told, "item_update")) == items.titles


def test_a_celebrity_multiplies_the_traffic_and_its_show_gets_it():
    plan = replace(PLAN, rate=100, seconds=180, spike=Spike(60, 60), late=0.0)
    told = run(plan)
    times = told["event_time"].cast(pa.int64()).to_numpy()
    before = ((times >= START + 5 * SECOND) & (times < START + 60 * SECOND)).sum() / 55
    during = ((times >= START + 60 * SECOND) & (times < START + 120 * SECOND)).sum() / 60
    assert 12 < during / before < 28
    entered = of_type(told, "viewer_enter")
    assert pc.mean(pc.equal(entered["item_id"], "show9999999999").cast(pa.float64())).as_py() > 0.8


def test_ids_are_numbers_where_the_data_set_has_numbers():
    told = run(replace(PLAN, world=replace(WORLD, integer_ids=True), seconds=5))
    for name in ("user_id", "item_id"):
        assert pc.all(pc.match_substring_regex(told[name], "^[0-9]+$")).as_py()


def test_a_million_users_are_drawn_from():
    many = Plan(World(seed=1, users=1_000_000, creators=100, titles=10), 2_000, 2, START)
    assert users_of(of_type(run(many), "impression")).max() > 500_000


def test_its_files_are_a_data_set(tmp_path):
    plan = replace(PLAN, seconds=10)
    written = write_files(plan, tmp_path)
    found = source(*(tmp_path / f"{name}.parquet" for name in ("events", "items", "users")))
    assert (len(found.events), len(found.items), len(found.users)) == (written, len(plan.items), WORLD.users)
    assert found.notes == ()
