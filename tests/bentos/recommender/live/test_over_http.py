"""What goes on air is recommended once its start is applied, what has ended never is; upcoming shows on request."""

import json
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pyarrow as pa
import pytest
from small_world import FUTURE, NOW

from streamrank import clock

LATER = NOW + timedelta(hours=2)


class Stream:
    """The small world's bus with a worker behind it."""

    def __init__(self) -> None:
        from catalog.bus import open_bus
        from catalog.dataset import DataSet
        from pipelines.streaming import open_worker

        self.bus, self.worker = open_bus(), open_worker(DataSet.current())
        self.worker.drain()

    def happens(self, event_type: str, item: int, **attributes: object) -> None:
        """Published and applied."""
        self.publish([{"event_type": event_type, "item_id": str(item), "attributes": json.dumps(attributes)}])

    def publish(self, events: list[dict]) -> None:
        from catalog.schema import PUBLISHED, shard_keys

        whole = [{"event_id": uuid.uuid4().hex, "event_time": NOW} | event for event in events]
        rows = pa.Table.from_pylist(whole, schema=PUBLISHED)
        assert self.bus.publish(rows, shard_keys(rows)).taken.all()
        self.worker.drain()


@pytest.fixture(scope="module")
def stream(world) -> Iterator[Stream]:
    with world.entered(), clock.use(clock.VirtualClock(clock.microseconds(NOW))):
        made = Stream()
        yield made
        made.worker.close()


@pytest.fixture
def started(stream) -> Iterator[int]:
    """A show that the model has never seen, on air; over again afterwards."""
    stream.happens("item_start", 501, creator_id="c1", topics=["t1", "new"], title="Live from the roof", kind="live")
    yield 501
    stream.happens("item_end", 501)


def test_what_goes_on_air_is_a_candidate_and_what_ended_is_none(service, stream, started):
    assert started in service.items(user_id="u3", k=200)
    assert started in service.items(user_id="nobody", k=200), "also where popular items are answered"
    stream.happens("item_end", started)
    assert started not in service.items(user_id="u3", k=200)
    assert started not in service.items(user_id="nobody", k=200)
    stream.happens("item_start", started)
    assert started in service.items(user_id="u3", k=200)


def test_an_item_of_the_model_that_ended_is_left_out_and_counted_even_when_it_is_given(service, stream):
    before = service.metric("streamrank_ended_items_left_out_total")
    stream.happens("item_end", 5)
    try:
        assert 5 not in service.items(user_id="u3", k=200)
        assert service.items(user_id="u3", candidates=[5, 9]) == [9]
        assert service.items(user_id="nobody", candidates=[5, 9]) == [9]
        assert service.metric("streamrank_ended_items_left_out_total") == before + 2
    finally:
        stream.happens("item_start", 5)
    assert 5 in service.items(user_id="u3", k=200)


def test_upcoming_shows_come_on_request_and_say_when_they_begin(service, stream):
    stream.happens("item_start", 502, available_from=LATER.isoformat(), topics="t1|new")
    try:
        assert not {502, FUTURE} & {*service.items(user_id="u3", k=200)}
        for user in ("u3", "nobody"):
            found = service.recommend(user_id=user, k=200, include_upcoming=True).json()["items"]
            begins = {item["item_id"]: item["available_from"] for item in found}
            assert begins[502] == "2026-03-01T14:00:00Z"
            assert begins[FUTURE] == "2026-03-02T12:00:00Z"
            assert {item for item, begin in begins.items() if begin} == {502, FUTURE}
        stream.happens("item_update", 502, available_from=NOW.isoformat())
        assert 502 in service.items(user_id="u3", k=200), "moved up, it is on air"
    finally:
        stream.happens("item_end", 502)
    assert 502 not in service.items(user_id="u3", k=200, include_upcoming=True)


def test_a_new_item_is_found_by_sources_that_know_its_topics_though_no_model_saw_it(service, stream, started):
    items = service.recommend(user_id="u3", topics=["t1"], k=200, explain=True).json()["items"]
    (found,) = [item for item in items if item["item_id"] == started]
    assert {"fresh", "content"} & {source["source"] for source in found["sources"]}


def test_an_update_of_topics_reaches_the_sources_of_a_running_service(service, stream):
    from running_service import until

    def found() -> dict[int, list[str]]:
        items = service.recommend(user_id="new", topics=["updated"], k=200, explain=True).json()["items"]
        return {item["item_id"]: [source["source"] for source in item["sources"]] for item in items}

    assert service.recommend(user_id="new", topics=["updated"]).json()["unknown_topics"] == ["updated"]
    stream.happens("item_update", 11, topics=["updated"])
    until(lambda: service.recommend(user_id="new", topics=["updated"]).json()["known_by"] == "topics", "never known")
    assert "fresh" in found()[11] or next(iter(found())) == 11, "it comes first, or is found by its topic"
    stream.happens("item_update", 11, topics=["t3", "all"])
    until(lambda: service.recommend(user_id="new", topics=["updated"]).json()["known_by"] is None, "never changed")


def test_what_a_user_does_now_makes_their_next_list(service, stream):
    before = service.recommend(user_id="just came").json()
    assert (before["known_by"], before["fallback"]) == (None, "unknown_user")
    stream.publish([{"event_type": "view", "user_id": "just came", "item_id": str(item)} for item in (3, 4, 9)])
    after = service.recommend(user_id="just came", k=200, explain=True).json()
    assert (after["known_by"], after["fallback"]) == ("history", None)
    assert "als" in {source["source"] for item in after["items"] for source in item["sources"]}


def test_what_many_watch_now_comes_first_for_somebody_unknown(service, stream):
    from running_service import until

    stream.publish([{"event_type": "view", "user_id": f"w{n}", "item_id": "44"} for n in range(400)])
    until(lambda: service.items(user_id="nobody", k=1) == [44], "what is watched most is not told")


def test_a_given_item_that_came_since_the_promotion_is_ranked_as_soon_as_anything_is_known_of_it(service, stream):
    before = service.recommend(user_id="u3", candidates=[777, 9]).json()
    assert ([item["item_id"] for item in before["items"]], before["unknown_candidates"]) == ([9], [777])
    stream.publish([{"event_type": "view", "user_id": "u1", "item_id": "777"}])
    after = service.recommend(user_id="u3", candidates=[777, 9]).json()
    assert ({item["item_id"] for item in after["items"]}, after["unknown_candidates"]) == ({777, 9}, [])


def test_what_a_user_hid_never_comes_again_even_when_it_is_given(service, stream):
    stream.publish([{"event_type": "hide", "user_id": "u8", "item_id": "12"}])
    assert 12 not in service.items(user_id="u8", k=200)
    assert service.items(user_id="u8", candidates=[12, 9]) == [9]


def test_while_redis_is_down_what_was_known_last_holds(service, world, stream, started):
    from running_service import until

    from streamrank import embedded

    stream.happens("item_end", 6)
    assert 6 not in service.items(user_id="u3", k=200)
    try:
        embedded.down()
        answer = service.recommend(user_id="u3", k=200).json()
        found = {item["item_id"] for item in answer["items"]}
        assert answer["fallback"] == "online_store_unavailable"
        assert started in found
        assert 6 not in found
    finally:
        embedded.ensure_redis()
        until(lambda: not service.recommend(user_id="u3").json()["degraded"], "the service did not recover")
        stream.worker.reset()
        stream.happens("item_start", 6)
