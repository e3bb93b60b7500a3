"""With the online store down the service answers popular items at once, says so, and recovers by itself."""

import os
import signal

import httpx
import pyarrow.dataset as ds
import pytest
from running_service import Service, serving, stop, until
from slow_link import link
from small_world import DATASET, World

UNAVAILABLE = "online_store_unavailable"


@pytest.fixture
def valkey(world: World, service: Service):
    """The process of the world's server, which runs again afterwards, with the service back on it."""
    from streamrank import embedded

    yield world.valkey
    with world.entered():
        embedded.ensure_redis()
    until_ranked(service)


def state(service: Service) -> tuple[bool, str | None]:
    answer = service.recommend(user_id="u3", k=3)
    assert answer.status_code == 200, answer.text
    return answer.json()["degraded"], answer.json()["fallback"]


def until_ranked(service: Service) -> None:
    until(lambda: state(service) == (False, None), "the service did not recover")


def assert_degraded(service: Service, world: World) -> None:
    assert state(service) == (True, UNAVAILABLE)
    best, good = world.popular[0], world.popular[4]
    assert service.items(user_id="u3", k=3) == world.popular[:3]
    assert service.items(user_id="u3", candidates=[good, best]) == [best, good]
    assert httpx.get(f"{service.url}/readyz").status_code == 200
    assert service.metric("streamrank_degraded") == 1


def test_a_killed_server_degrades_and_a_new_one_recovers(world, service, valkey):
    from streamrank import embedded

    until_ranked(service)
    before = service.metric("streamrank_requests_total", fallback="none")
    os.kill(valkey, signal.SIGKILL)
    assert_degraded(service, world)
    assert service.metric("streamrank_requests_total", fallback=UNAVAILABLE) >= 3
    assert service.metric("streamrank_requests_total", fallback="none") == before
    with world.entered():
        embedded.ensure_redis()
    until_ranked(service)
    assert service.metric("streamrank_degraded") == 0


def test_what_somebody_new_says_counts_without_the_server_too(service, valkey):
    until_ranked(service)
    os.kill(valkey, signal.SIGKILL)
    asked = {"user_id": "somebody new", "k": 60, "explain": True}
    picks = service.recommend(**asked, picked=[3, 4, 9, 99_999]).json()
    assert (picks["degraded"], picks["fallback"], picks["known_by"]) == (True, UNAVAILABLE, "picked")
    assert picks["unknown_picked"] == [99_999]
    assert "als" in {source["source"] for item in picks["items"] for source in item["sources"]}
    others = service.recommend(**asked, picked=[1, 2]).json()
    assert [item["item_id"] for item in picks["items"]] != [item["item_id"] for item in others["items"]]
    topics = service.recommend(**asked, topics=["t1", "Nope"]).json()
    assert (topics["fallback"], topics["known_by"], topics["unknown_topics"]) == (UNAVAILABLE, "topics", ["Nope"])
    given = service.recommend(**asked, picked=[3], candidates=[5, 77_777, 9]).json()
    assert {item["item_id"] for item in given["items"]} == {5, 9} and given["unknown_candidates"] == [77_777]
    nothing = service.recommend(**asked, picked=[99_999]).json()
    assert (nothing["known_by"], nothing["unknown_picked"]) == (None, [99_999])
    scores = [item["score"] for item in picks["items"]]
    assert scores == sorted(scores, reverse=True)


def test_a_hung_server_is_waited_for_once(world, service, valkey):
    until_ranked(service)
    os.kill(valkey, signal.SIGSTOP)
    try:
        assert_degraded(service, world)
        reads = service.metric("streamrank_feature_read_seconds_count", read="user")
        assert [state(service) for _ in range(20)] == [(True, UNAVAILABLE)] * 20
        assert service.metric("streamrank_feature_read_seconds_count", read="user") <= reads + 1
    finally:
        os.kill(valkey, signal.SIGCONT)
    until_ranked(service)


def test_a_bad_request_is_refused_while_degraded_too(service, valkey):
    os.kill(valkey, signal.SIGKILL)
    assert service.recommend(user_id="u3", k=0).status_code == 400


def test_a_service_starts_degraded_recovers_says_when_it_is_slow_and_drops_only_log_rows(world, service, valkey):
    """One start for all this, since a start takes seconds. The server counts as the user's own here."""
    from streamrank import embedded

    limits = {"STREAMRANK_SERVED_QUEUE_ROWS": "8", "STREAMRANK_SERVED_FLUSH_SECONDS": "3600"}
    limits |= {"STREAMRANK_SERVED_SAMPLE_RATE": "0", "STREAMRANK_FEATURE_TIMEOUT_SECONDS": "3"}
    with world.entered():
        embedded.down()
    with (
        link(int(world.variables["STREAMRANK_REDIS_PORT"])) as wire,
        serving(
            world, world.root / "other.log", STREAMRANK_REDIS_URL=f"redis://127.0.0.1:{wire.port}/0", **limits
        ) as other,
    ):
        assert_degraded(other, world)  # offers 3 + 3 + 2 rows, so that half the queue is written at once
        with world.entered():
            embedded.ensure_redis()
        until_ranked(other)
        assert service.metric("streamrank_degraded") in (0, 1), "another service's start cost this one its metrics"

        wire.slow = True
        assert state(other) == (True, "feature_timeout")
        assert other.metric("streamrank_degraded") == 0, "a slow request is no outage"
        wire.slow = False
        until_ranked(other)

        dropped = other.recommend(user_id="u3", k=9).json()
        assert other.metric("streamrank_served_rows_dropped_total", reason="queue_full") >= 9
        kept = other.recommend(user_id="u3", k=1).json()
        stop(other.process)
    log = ds.dataset(world.root / DATASET / "served", format="parquet", partitioning="hive").to_table()
    logged = set(log["request_id"].to_pylist())
    assert dropped["request_id"] not in logged
    assert kept["request_id"] in logged
