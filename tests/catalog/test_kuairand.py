import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_sources import SHOWN_MS, kuairand_as_downloaded, kuairand_as_parquet

from catalog import kuairand
from catalog.errors import InputError

LAYOUTS = [kuairand_as_parquet, kuairand_as_downloaded]


@pytest.fixture(params=LAYOUTS)
def source(request, tmp_path):
    return kuairand.source(request.param(tmp_path))


def _events(source) -> list[tuple]:
    rows = source.events.to_pylist()
    return [
        (row["event_type"], row["user_id"], row["item_id"], round(row["event_time"].timestamp() * 1000) - SHOWN_MS)
        for row in rows
    ]


def test_an_exposure_is_an_impression_and_its_outcomes_come_when_they_are_known(source):
    assert _events(source) == [
        ("impression", 7, 1, 0),
        ("click", 7, 1, 9_000),
        ("like", 7, 1, 9_000),
        ("view", 7, 1, 9_000),
        ("impression", 7, 2, 60_000),
        ("hide", 7, 2, 60_001),
        ("impression", 8, 2, 70_000),
        ("impression", 8, 2, 70_000),
        ("impression", 8, 9, 80_000),
        ("share", 8, 9, 80_500),
        ("view", 8, 9, 80_500),
    ]


def test_an_outcome_answers_its_impression_and_a_view_carries_what_was_watched(source):
    by_id = {row["event_id"]: row for row in source.events.to_pylist()}
    view = by_id[f"7-1-{SHOWN_MS}:view"]
    assert view["impression_id"] == f"7-1-{SHOWN_MS}"
    assert by_id[view["impression_id"]]["event_type"] == "impression"
    assert (view["watch_ms"], view["duration_ms"], view["value"], view["surface"]) == (9_000, 10_000, 1.0, "1")
    assert by_id[f"8-9-{SHOWN_MS + 80_000}"]["surface"] == "4"


def test_exposures_that_differ_only_elsewhere_are_two_impressions(source):
    ids = source.events["event_id"].to_pylist()
    assert len(set(ids)) == len(ids)
    assert {f"8-2-{SHOWN_MS + 70_000}", f"8-2-{SHOWN_MS + 70_000}-2"} <= set(ids)


def test_a_video_is_an_item_available_from_its_day_in_beijing(source):
    items = source.items.to_pylist()
    assert [(item["item_id"], item["creator_id"], item["topics"], item["duration_ms"]) for item in items] == [
        (1, 50, ["39", "5"], 10_000),
        (2, 51, None, None),
    ]
    assert items[0]["available_from"].isoformat() == "2022-04-09T16:00:00+00:00"


def test_users_keep_all_their_columns(source):
    assert source.users.to_pylist() == [
        {"user_id": 7, "user_active_degree": "full_active", "onehot_feat12": 1.0},
        {"user_id": 8, "user_active_degree": "UNKNOWN", "onehot_feat12": None},
    ]


def test_both_layouts_give_the_same_events_and_items(tmp_path):
    one, other = (kuairand.source(layout(tmp_path / layout.__name__)) for layout in LAYOUTS)
    assert one.events.equals(other.events)
    assert one.items.to_pylist() == other.items.to_pylist()


def test_the_same_files_have_the_same_fingerprint_wherever_they_lie(tmp_path):
    one, other = (kuairand.source(kuairand_as_parquet(tmp_path / name)) for name in ("one", "other"))
    assert one.fingerprint == other.fingerprint
    assert one.manifest.label_rule == "click"


def test_no_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"absent is no folder; give --path"):
        kuairand.source(tmp_path / "absent")


def test_a_folder_of_other_things_is_refused_with_what_it_holds(tmp_path):
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(InputError, match=r"expected exposures\.parquet, .* or log_standard_.*; found holiday\.jpg"):
        kuairand.source(tmp_path)


@pytest.mark.parametrize(
    ("layout", "file", "named"),
    [
        (kuairand_as_parquet, "videos.parquet", r"expected videos\.parquet in"),
        (kuairand_as_downloaded, "data/user_features_pure.csv", r"expected user_features_\*\.csv in"),
    ],
)
def test_a_missing_file_is_named(tmp_path, layout, file, named):
    (layout(tmp_path) / file).unlink()
    with pytest.raises(InputError, match=named):
        kuairand.source(tmp_path)


def test_a_lacking_column_is_named_with_its_file_and_the_columns_found(tmp_path):
    kuairand_as_parquet(tmp_path)
    pq.write_table(pa.table({"video_id": [1], "author_id": [2]}), tmp_path / "videos.parquet")
    lacking = r"videos\.parquet lacks column upload_dt, video_duration, tag; found video_id, author_id"
    with pytest.raises(InputError, match=lacking):
        kuairand.source(tmp_path)


def test_a_file_that_is_no_parquet_is_named(tmp_path):
    (kuairand_as_parquet(tmp_path) / "users.parquet").write_text("user_id\n7\n")
    with pytest.raises(InputError, match=r"users\.parquet cannot be read"):
        kuairand.source(tmp_path)
