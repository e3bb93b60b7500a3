"""Which outcomes make which label, and which impression an outcome belongs to."""

from dataclasses import replace

import pytest
from histories import DAY, make_data_set

from pipelines.inputs import StepMissing
from pipelines.labels import labelled
from streamrank import clock

SHOWN = 20_000 * DAY
LATER = 5_000_000


@pytest.fixture(autouse=True)
def present(platform):
    with clock.use(clock.VirtualClock(SHOWN + 30 * DAY)):
        yield


def event(kind, after=LATER, user="u", item="i", **more):
    return {"event_type": kind, "user_id": user, "item_id": item, "event_time": SHOWN + after, **more}


def watched(share, **more):
    return event("view", watch_ms=int(share * 1_000), duration_ms=1_000, **more)


def rows(events, rule="engagement", items=None):
    data = make_data_set(events, items)
    data.write_manifest(replace(data.manifest(), label_rule=rule))
    return labelled(data).to_pylist()


def of_impression(outcomes, rule="engagement"):
    """The label of an impression that these outcomes answer."""
    shown = event("impression", 0, event_id="shown")
    (row,) = rows([shown, *({**outcome, "impression_id": "shown"} for outcome in outcomes)], rule)
    return row["label"]


@pytest.mark.parametrize(
    ("outcomes", "label"),
    [
        ([watched(0.8)], 1),
        ([event("like")], 1),
        ([event("rating", value=4.0)], 1),
        ([watched(0.1), event("like")], 1),  # a positive sign wins
        ([watched(0.1), watched(0.9)], 1),
        ([], 0),
        ([watched(0.19)], 0),
        ([event("click"), watched(0.1)], 0),
        ([event("click"), watched(0.5)], None),
        ([watched(0.5)], None),
        ([event("click")], 1),  # the share watched is not known
        ([event("view")], 1),
        ([event("rating", value=3.0)], 0),  # shown and not clicked
        ([event("click"), event("rating", value=3.0)], None),
    ],
)
def test_the_engagement_rule(outcomes, label):
    assert of_impression(outcomes) == label


@pytest.mark.parametrize(
    ("outcomes", "label"), [([], 0), ([event("click")], 1), ([watched(1)], 0), ([event("like")], 0)]
)
def test_the_click_rule(outcomes, label):
    assert of_impression(outcomes, "click") == label


def test_an_event_without_a_duration_takes_its_items():
    shown = event("impression", 0, event_id="shown")
    view = event("view", watch_ms=900, impression_id="shown")
    (row,) = rows([shown, view], items=[{"item_id": "i", "duration_ms": 1_000}])
    assert row["label"] == 1


def test_a_label_is_known_when_its_last_sign_has_arrived():
    shown = event("impression", 0, event_id="shown")
    late = event("like", arrived_at=SHOWN + DAY, impression_id="shown")
    (row,) = rows([shown, event("click", impression_id="shown"), late])
    assert (row["shown_at"], row["known_at"]) == (SHOWN, SHOWN + DAY)


def test_an_outcome_that_names_no_impression_belongs_to_the_latest_one_of_the_item():
    impressions = [event("impression", after, event_id=f"shown {after}") for after in (0, DAY, 2 * DAY)]
    found = rows([*impressions, event("click", DAY + 1), event("click", DAY + 1, user="other")])
    assert [row["label"] for row in found] == [0, 1, 0]


def test_what_has_not_arrived_by_now_is_not_known():
    shown = event("impression", 0, event_id="shown")
    click = event("click", impression_id="shown", arrived_at=SHOWN + 31 * DAY)
    (row,) = rows([shown, click])
    assert row["label"] == 0


def test_without_impressions_a_row_is_all_that_a_user_did_with_an_item():
    events = [
        event("view", 0, value=2.0),
        event("view", 5, value=5.0),
        event("view", 0, item="j", value=3.0),
        event("view", 0, item="k"),
    ]
    found = {row["item_id"]: row for row in rows(events)}
    assert {item: row["label"] for item, row in found.items()} == {"i": 1, "j": None, "k": 1}
    assert found["i"]["shown_at"] == SHOWN and found["i"]["known_at"] == SHOWN + 5


def test_a_data_set_without_events_says_what_to_run(platform):
    from catalog.dataset import DataSet, Manifest

    data = DataSet.current()
    data.write_manifest(Manifest(name=data.name, source="test"))
    with pytest.raises(StepMissing, match="run `streamrank dataset`"):
        labelled(data)
