"""`POST /events` as a producer meets it: a real service, a real bus."""

import json
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from running_intake import event, now, on_the_bus, post
from running_service import until


def test_events_are_taken_and_filled_with_what_is_known_of_their_item(intake, place):
    known, unknown = event(item_id="m", watch_ms=7, attributes={"mood": "good"}), event(item_id="x", topics=["a", "b"])
    answer = post(intake, [known, unknown])
    assert answer.status_code == 200
    assert answer.json() == {"taken": 2, "duplicates": 0, "refused": [], "unknown_items": 1, "ignored": []}
    found = on_the_bus(place)
    first, second = found[known["event_id"]], found[unknown["event_id"]]
    assert (first["creator_id"], first["topics"], first["watch_ms"]) == ("c", ["news"], 7)
    assert json.loads(first["attributes"]) == {"mood": "good"}
    assert (second["creator_id"], second["topics"]) == (None, ["a", "b"])


def test_good_events_go_through_beside_bad_ones_which_are_named_and_kept(intake, place):
    good, bad = event(), event(watch_ms="much", device=uuid4().hex)
    answer = post(intake, {"events": [good, bad, event(event_type="veiw"), event(watchms=3)]})
    assert answer.status_code == 200
    assert answer.json() == {
        "taken": 2, "duplicates": 0, "unknown_items": 0, "ignored": ["watchms"],
        "refused": [
            {"row": 1, "reason": "unreadable value: watch_ms: expected an integer, found 'much'"},
            {"row": 2, "reason": "unknown event_type: veiw"},
        ],
    }  # fmt: skip
    found = on_the_bus(place)
    assert good["event_id"] in found
    assert bad["event_id"] not in found
    folder = place.root / "tv" / "quarantine"

    def kept() -> list[dict]:
        files = list(folder.glob("*.parquet"))
        return pa.concat_tables(map(pq.read_table, files)).to_pylist() if files else []

    until(lambda: any(row["device"] == bad["device"] for row in kept()), "the refused event is not in quarantine")
    (row,) = [row for row in kept() if row["device"] == bad["device"]]
    assert (row["row"], row["watch_ms"]) == ("1", "much")
    assert row["reason"].startswith("unreadable value")


def test_a_request_sent_again_counts_once(intake, place):
    events = [event() for _ in range(100)]
    assert post(intake, events).json()["taken"] == 100
    again = post(intake, events)
    assert again.status_code == 200
    assert (again.json()["taken"], again.json()["duplicates"]) == (0, 100)
    assert len({each["event_id"] for each in events} & set(on_the_bus(place))) == 100


def test_requests_at_once_each_get_their_own_answer(intake, place):
    requests = [
        [*(event(user_id=f"u{number}") for _ in range(number + 1)), event(event_type="no")] for number in range(24)
    ]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda body: post(intake, body).json(), requests))
    for number, answer in enumerate(answers):
        assert answer["taken"] == number + 1
        assert [each["row"] for each in answer["refused"]] == [number + 1]
    sent = {each["event_id"] for body in requests for each in body[:-1]}
    assert sent <= set(on_the_bus(place))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "body: expected JSON"),
        (b'"no"', "body: expected a JSON array of events"),
        (b'{"event_type": "view"}', "body: expected a JSON array of events"),
        (b'[{"user_id": "u"}, 7]', "row 1: expected an object, found 7"),
        (b'[{"user_id": "\\ud800"}]', "body: expected JSON"),
        (json.dumps([{}] * 10_001).encode(), "body: expected at most 10,000 events, found 10,001"),
    ],
)
def test_a_body_that_holds_no_events_is_refused_and_says_where(intake, body, says):
    answer = httpx.post(f"{intake.url}/events", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert says in answer.json()["error"]


def test_where_no_event_can_be_taken_the_first_is_named(intake):
    answer = post(intake, [{"event_time": now()}, event(event_type="zap")])
    assert answer.status_code == 400
    said = answer.json()
    assert said["error"] == "no event was taken: row 0: null key: neither user_id nor item_id"
    assert [each["row"] for each in said["refused"]] == [0, 1]
    assert said["taken"] == 0


def test_no_events_are_fine(intake):
    assert post(intake, []).json()["taken"] == 0


def test_other_content_and_large_bodies_are_refused(intake):
    other = httpx.post(f"{intake.url}/events", content=b"a,b", headers={"Content-Type": "text/csv"})
    assert other.status_code == 415
    large = httpx.post(
        f"{intake.url}/events", content=b"[" + b" " * (8 << 20) + b"]", headers={"Content-Type": "application/json"}
    )
    assert large.status_code == 413


def test_an_update_counts_for_what_comes_after_it(intake, place):
    item = uuid4().hex
    before, after = event(item_id=item), event(item_id=item)
    post(intake, [before])
    said = {"creator_id": "new", "topics": ["live"]}
    post(intake, [event(event_type="item_start", user_id=None, item_id=item, attributes=said)])
    assert post(intake, [after]).json()["unknown_items"] == 0
    found = on_the_bus(place)
    assert found[before["event_id"]]["creator_id"] is None
    assert (found[after["event_id"]]["creator_id"], found[after["event_id"]]["topics"]) == ("new", ["live"])


def test_what_is_taken_and_refused_is_counted(intake):
    names = {
        "streamrank_events_taken_total": {}, "streamrank_events_duplicate_total": {},
        "streamrank_events_of_unknown_items_total": {},
        "streamrank_events_refused_total": {"reason": "unknown event_type"},
    }  # fmt: skip
    before = {name: intake.metric(name, **labels) for name, labels in names.items()}
    once = event(item_id="nobody's")
    post(intake, [once, once, event(event_type="zap")])
    grown = {name: intake.metric(name, **labels) - before[name] for name, labels in names.items()}
    assert set(grown.values()) == {1}
    until(lambda: intake.metric("streamrank_bus_bytes") > 0, "the size of the bus is not told")


def test_the_openapi_page_tells_what_is_taken_and_answered(intake):
    page = httpx.get(f"{intake.url}/docs.json").json()
    schemas, post_ = page["components"]["schemas"], page["paths"]["/events"]["post"]
    array, wrapped = schemas["PublishRequest"]["anyOf"]
    assert array["items"]["required"] == ["event_time"]
    assert {"event_id", "attributes", "topics"} <= set(array["items"]["properties"])
    assert "arrived_at" not in array["items"]["properties"]
    assert wrapped["required"] == ["events"]
    assert set(schemas["PublishResponse"]["properties"]) == set(post(intake, []).json())
    assert set(post_["responses"]) == {"200", "400", "413", "415", "429", "503", "504"}
    assert set(page["paths"]) == {"/events", "/livez", "/readyz", "/metrics"}
    references = json.dumps(page["paths"]).split('"$ref": "#/components/schemas/')[1:]
    references += json.dumps(schemas).split('"$ref": "#/components/schemas/')[1:]
    assert {reference.split('"')[0] for reference in references} <= set(schemas)
