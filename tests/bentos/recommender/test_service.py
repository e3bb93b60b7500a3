"""`POST /recommend` over HTTP: what it answers, what it refuses, and what it says about itself."""

import json

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from running_service import until
from small_world import DATASET, ENDED, FUTURE, ITEMS, NOW

from bentos.recommender.seeds import in_sample, seed_of
from bentos.recommender.served_rows import COLUMNS
from catalog.dataset import DataSet
from streamrank import clock

NOBODY = 99_999  # an item that no file names
JSON = {"Content-Type": "application/json"}


def test_an_answer_has_its_fields_and_ids_of_their_own_type(service):
    answer = service.recommend(user_id="u3", k=5).json()
    items = answer.pop("items")
    assert [item["rank"] for item in items] == [1, 2, 3, 4, 5]
    assert all(set(item) == {"item_id", "score", "rank", "available_from", "propensity", "explored"} for item in items)
    assert {(item["propensity"], item["explored"]) for item in items} == {(1.0, False)}, "nothing is drawn here"
    assert all(type(item["item_id"]) is int for item in items)
    assert len(answer.pop("request_id")) == 32
    assert answer.pop("model_version")
    assert answer == {
        "as_of": "2026-03-01T12:00:00Z", "variant": None, "degraded": False, "fallback": None, "known_by": "profile",
        "unknown_picked": [], "unknown_candidates": [], "unknown_topics": [],
    }  # fmt: skip


def test_ten_items_by_default_and_as_many_as_asked(service):
    assert len(service.items(user_id="u3")) == 10
    assert len(service.items(user_id="u3", k=1)) == 1


def test_only_what_is_on_air_is_recommended(service):
    everything = service.items(user_id="u3", k=200)
    assert sorted(everything) == [item for item in range(ITEMS) if item not in (ENDED, FUTURE)]


def test_given_candidates_are_ranked_each_once_whether_on_air_or_not(service):
    assert sorted(service.items(user_id="u3", candidates=[5, 9, 5, ENDED, 9])) == [5, ENDED, 9]
    assert service.items(user_id="u3", candidates=[]) == []


@pytest.mark.parametrize("user", ["u3", "nobody"])
def test_given_candidates_that_nobody_knows_are_told_and_the_others_ranked(service, user):
    answer = service.recommend(user_id=user, candidates=[NOBODY, 5, 88_888, 9]).json()
    assert sorted(item["item_id"] for item in answer["items"]) == [5, 9]
    assert answer["unknown_candidates"] == [NOBODY, 88_888]
    nothing = service.recommend(user_id=user, candidates=[NOBODY]).json()
    assert (nothing["items"], nothing["unknown_candidates"]) == ([], [NOBODY])


def test_a_candidates_score_does_not_depend_on_its_company(service):
    together = service.recommend(user_id="u3", candidates=list(range(20)), k=20).json()["items"]
    alone = service.recommend(user_id="u3", candidates=[7]).json()["items"][0]["score"]
    assert {item["item_id"]: item["score"] for item in together}[7] == alone


def test_a_thousand_candidates_are_taken(service):
    answer = service.recommend(user_id="u3", candidates=list(range(1_000)), k=200).json()
    assert len(answer["items"]) == ITEMS and answer["unknown_candidates"] == list(range(ITEMS, 1_000))


def test_an_unknown_user_gets_popular_items_and_is_told(service, world):
    before = service.metric("streamrank_requests_total", fallback="none")
    answer = service.recommend(user_id="nobody", k=3).json()
    assert (answer["fallback"], answer["degraded"]) == ("unknown_user", False)
    assert [item["item_id"] for item in answer["items"]] == world.popular[:3]
    best, good = world.popular[0], world.popular[4]
    assert service.items(user_id="nobody", candidates=[good, best]) == [best, good]
    assert service.metric("streamrank_requests_total", fallback="unknown_user") >= 2
    assert service.metric("streamrank_requests_total", fallback="none") == before


BAD_FIELDS = {
    "user_id": [None, 7, True, 1.5, "", "x" * 257, ["u1"], {}],
    "k": [0, -1, 201, "5", 1.0, True, None],
    "candidates": [["5"], [True], [5.0], [None], [10**30], 5, "5", list(range(1_001))],
    "picked": [["5"], [True], 5, list(range(51))],
    "topics": ["t1", [7], [""], ["x"] * 51],
    "explain": ["yes", 1, None],
    "surface": [7, "x" * 257],
    "device": [True],
    "location": [["CH"]],
    "unheard_of": [1],
}


@pytest.mark.parametrize("field", BAD_FIELDS)
def test_a_bad_field_is_refused_by_name(service, field):
    for value in BAD_FIELDS[field]:
        answer = service.recommend(**{"user_id": "u1", field: value})
        assert answer.status_code == 400, (field, value)
        assert {line["loc"][0] for line in answer.json()["detail"]} == {field}, (field, value)


def test_a_missing_user_is_named(service):
    for body in (b"", b"{}"):
        answer = httpx.post(f"{service.url}/recommend", content=body, headers=JSON)
        assert answer.status_code == 400
        assert answer.json()["detail"][0]["loc"] == ["user_id"]


def test_the_request_is_flat(service):
    answer = service.recommend(request={"user_id": "u1"})
    assert answer.status_code == 400
    assert {line["loc"][0] for line in answer.json()["detail"]} == {"request", "user_id"}


@pytest.mark.parametrize(
    "body", [b"{", b"[1]", b"null", b'"u1"', b'{"user_id":"\xff"}', b'{"user_id":"\\ud800"}', b"[" * 100_000]
)
def test_what_is_no_json_object_is_refused(service, body):
    answer = httpx.post(f"{service.url}/recommend", content=body, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["detail"]


@pytest.mark.parametrize("request_of", [
    {"data": {"user_id": "u1"}}, {"files": {"user_id": b"u1"}},
    {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}},
    {"content": b"x", "headers": {"Content-Type": "application/vnd.bentoml+pickle"}},
])  # fmt: skip
def test_what_is_not_json_is_refused(service, request_of):
    answer = httpx.post(f"{service.url}/recommend", **request_of)
    assert answer.status_code == 415
    assert "Content-Type: expected application/json, found" in answer.json()["error"]


def test_a_large_body_is_refused(service):
    answer = httpx.post(f"{service.url}/recommend", content=b" " * (2 << 20), headers=JSON)
    assert (answer.status_code, answer.json()) == (413, {"error": "body: expected at most 1048576 bytes"})


def test_a_refusal_leaves_one_line_in_the_log_and_nothing_of_the_body(service, world):
    service.recommend(user_id="u1", surprise="SECRET")
    log = world.root / "service.log"
    until(lambda: "refused a request: surprise" in log.read_text(), "the refusal is not in the log")
    assert "SECRET" not in log.read_text()
    assert "Traceback" not in log.read_text()


def test_only_post_recommends(service):
    assert httpx.get(f"{service.url}/recommend").status_code == 405


def test_the_service_says_that_it_lives_and_is_ready(service):
    assert httpx.get(f"{service.url}/livez").status_code == 200
    assert httpx.get(f"{service.url}/readyz").status_code == 200


def test_metrics_show_reads_and_the_served_log(service):
    service.recommend(user_id="u3")
    assert service.metric("streamrank_feature_read_seconds_count", read="user") >= 1
    assert service.metric("streamrank_feature_read_seconds_count", read="candidates") >= 1
    assert service.metric("streamrank_degraded") == 0
    assert service.metric("streamrank_served_rows_dropped_total", reason="queue_full") == 0
    assert service.metric("streamrank_served_rows_dropped_total", reason="write_failed") == 0
    until(lambda: service.metric("streamrank_served_rows_written_total") > 0, "no served row was written")


def test_the_openapi_page_tells_what_is_taken_and_answered(service):
    page = httpx.get(f"{service.url}/docs.json").json()
    schemas, post = page["components"]["schemas"], page["paths"]["/recommend"]["post"]
    request, response = schemas["RecommendRequest"], schemas["RecommendResponse"]
    assert request["required"] == ["user_id"]
    assert request["additionalProperties"] is False
    assert request["properties"]["user_id"]["type"] == "string"
    assert request["properties"]["k"] | {"default": 10, "minimum": 1, "maximum": 200} == request["properties"]["k"]
    candidates, nothing = request["properties"]["candidates"]["anyOf"]
    assert (candidates["items"]["type"], candidates["maxItems"], nothing) == ("integer", 1_000, {"type": "null"})
    assert set(response["properties"]) == set(service.recommend(user_id="u3").json())
    told = {"sources", "contributions", "base", "rest", "changes"}
    always = {"item_id", "score", "rank", "available_from", "propensity", "explored"}
    assert set(schemas["RankedItem"]["properties"]) == always | told
    examples = post["requestBody"]["content"]["application/json"]["examples"]
    assert all(service.recommend(**example["value"]).status_code == 200 for example in examples.values())
    assert set(post["responses"]) == {"200", "400", "413", "415", "429", "504"}
    assert set(page["paths"]) == {"/recommend", "/livez", "/readyz", "/metrics"}
    references = json.dumps(post).split('"$ref": "#/components/schemas/')[1:]
    assert {reference.split('"')[0] for reference in references} <= set(schemas)


@pytest.fixture
def served(service, world):
    """Reads the rows of a request from the served log once they are written."""

    def rows(request_id: str) -> pa.Table:
        folder = world.root / DATASET / "served"

        def read() -> pa.Table:
            if not folder.exists():
                return COLUMNS.empty_table()
            log = ds.dataset(folder, format="parquet", partitioning="hive")
            return log.to_table(filter=ds.field("request_id") == request_id)

        until(lambda: read().num_rows, f"request {request_id} is not in the served log")
        return read().sort_by([("score", "descending")])

    return rows


def test_the_served_log_holds_the_vectors_that_an_independent_read_finds(service, world, served):
    asked = [3, 5, 9, 14, ENDED, 2]
    answer = service.recommend(user_id="u3", candidates=asked, k=6, surface="home").json()
    rows = served(answer["request_id"])
    expected = independent_read(world, "u3", rows["item_id"].to_pylist(), "home")
    features = [name for name in rows.column_names[len(COLUMNS) : -1] if name in expected]
    assert len(features) > 40
    assert rows["item_id"].to_pylist() == [str(item["item_id"]) for item in answer["items"]]
    for name in features:
        found = rows[name].to_numpy().astype(np.float32)
        assert found.tobytes() == expected[name].tobytes(), name
    assert rows["user_creator_share"].null_count > 0, "what is missing stays missing"


def test_the_served_log_tells_what_the_features_were_read_from(service, world, served):
    rows = served(service.recommend(user_id="u3", candidates=[3, 5, 9], k=4, surface="home").json()["request_id"])
    items = {row["item_id"]: row for row in pq.read_table(world.root / DATASET / "items.parquet").to_pylist()}
    made_by = [items.get(item_id, {}).get("creator_id") for item_id in rows["item_id"].to_pylist()]
    assert rows["key__creator_id"].to_pylist() == made_by and "c5" in made_by
    source = pq.read_table(world.root / DATASET / "features" / "item_daily.parquet").to_pylist()
    moments = [(row["item_id"], row["event_timestamp"], row["created"]) for row in source]
    times = {(item_id, *map(clock.microseconds, others)) for item_id, *others in moments}
    read = rows.select(["item_id", "item_daily__event_us", "item_daily__created_us"]).to_pylist()
    assert len(read) == 3 and times.issuperset(tuple(row.values()) for row in read)
    of_creator = rows["user_creator_daily__event_us"].to_pylist()
    assert of_creator[made_by.index(None)] is None, "item 9 has no creator of whom a row could have been read"
    assert rows["item_live__applied"].null_count == len(rows), "nothing streams here, so that there are no windows"


def independent_read(world, user_id: str, item_ids: list[str], surface: str) -> dict[str, np.ndarray]:
    from pipelines import feature_store

    with world.entered():
        items = {row["item_id"]: row for row in pq.read_table(world.root / DATASET / "items.parquet").to_pylist()}
        asked = [items.get(item_id, {}) for item_id in item_ids]
        rows = {
            "user_id": [user_id] * len(item_ids), "item_id": item_ids,
            "creator_id": [item.get("creator_id") or "nobody" for item in asked],
            "topic": [(item.get("topics") or ["nothing"])[0] for item in asked],
            "request_time": [clock.microseconds(NOW)] * len(item_ids), "surface": [surface] * len(item_ids),
            "shown_on": [surface] * len(item_ids), "stated_topics": [None] * len(item_ids),
        }  # fmt: skip
        store = feature_store.open_store()
        found = store.get_online_features(store.get_feature_service("ranker"), rows).to_df()
    return {name: found[name].to_numpy(np.float32, na_value=np.nan) for name in found.columns if name not in rows}


def test_the_served_log_tells_who_asked_for_what_and_got_it(service, served):
    context = {"surface": "home", "device": "tv", "location": "CH"}
    answer = service.recommend(user_id="u4", k=2, **context).json()
    row = served(answer["request_id"]).select(COLUMNS.names).slice(0, 1).to_pylist()[0]
    best = answer["items"][0]
    assert row.pop("as_of") == NOW
    assert "trending" in row.pop("found_by")
    assert row == context | {
        "request_id": answer["request_id"], "user_id": "u4", "item_id": str(best["item_id"]), "slot": 1,
        "returned": True, "score": best["score"], "model_version": answer["model_version"], "fallback": None,
        "stated_topics": None, "known_by": "profile", "stood": 1, "propensity": 1.0, "changes": None,
        "seed": seed_of(answer["request_id"]),
    }  # fmt: skip


def test_topics_of_a_request_reach_the_ranker_and_the_audit_finds_the_same(service, served, world):
    from pipelines.audit import run_audit

    asked = {"user_id": "a new one", "k": 200}
    answer = service.recommend(**asked, topics=["T1", "all", "t1", "Nope"]).json()
    rows = served(answer["request_id"])
    assert rows["stated_topics"].to_pylist() == [["t1", "all"]] * rows.num_rows
    items = pq.read_table(world.root / DATASET / "items.parquet", columns=["item_id", "topics"]).to_pylist()
    topics = {row["item_id"]: row["topics"] or [] for row in items}
    shares = [
        len({"t1", "all"} & set(topics[item])) / len(topics[item]) if topics[item] else None
        for item in rows["item_id"].to_pylist()
    ]
    assert rows["stated_overlap"].to_pylist() == shares and {0.5, 1.0} <= set(shares)
    with world.entered():
        found = run_audit(DataSet(world.root / DATASET)).features["stated_overlap"]
    assert (found.mismatched, found.missing) == (0, 0)
    assert found.compared >= rows.num_rows and found.nonzero >= rows.num_rows - shares.count(None)


def test_a_fallback_is_logged_without_features(service, served):
    rows = served(service.recommend(user_id="nobody", k=2).json()["request_id"])
    assert set(rows["fallback"].to_pylist()) == {"unknown_user"}
    assert rows["item_views_60d"].null_count == rows.num_rows


def test_all_candidates_of_sampled_requests_are_logged_and_returned_items_of_all(service, served):
    answers = [service.recommend(user_id="u5", k=3, candidates=list(range(12))).json() for _ in range(8)]
    for answer in answers:
        rows = served(answer["request_id"])
        sampled = in_sample(answer["request_id"], 0.5)
        assert rows.num_rows == (12 if sampled else 3)
        assert rows["slot"].to_pylist() == [1, 2, 3] + [None] * (rows.num_rows - 3)
        assert rows["returned"].to_pylist() == [True] * 3 + [False] * (rows.num_rows - 3)
