"""A user nobody knows gets a list at once: by what they picked, by topics, and by what is watched most otherwise."""

import pyarrow.parquet as pq
from small_world import QUIET

PICKED = [3, 4, 9, 14, 26]


def asked(service, **body) -> dict:
    answer = service.recommend(user_id="somebody new", **body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def sources(answer: dict) -> dict[str, dict[int, int]]:
    """Source -> item -> its place in what that source proposed."""
    found: dict[str, dict[int, int]] = {}
    for item in answer["items"]:
        for source in item["sources"]:
            found.setdefault(source["source"], {})[item["item_id"]] = source["rank"]
    return found


def test_five_picks_make_a_personal_list(service):
    answer = asked(service, picked=PICKED, k=200, explain=True)
    assert (answer["known_by"], answer["fallback"], answer["degraded"]) == ("picked", None, False)
    mine, others = sources(answer), sources(asked(service, picked=[1, 2], k=200, explain=True))
    assert {"als", "item_item", "content"} <= set(mine)
    assert any(mine[name] != others.get(name) for name in mine), "other picks, another list"


def test_picks_that_nobody_knows_are_told_and_the_others_count(service):
    answer = asked(service, picked=[*PICKED, 99_999, 88_888])
    assert (answer["known_by"], answer["unknown_picked"]) == ("picked", [99_999, 88_888])
    nothing = asked(service, picked=[99_999])
    assert (nothing["known_by"], nothing["fallback"], nothing["unknown_picked"]) == (None, "unknown_user", [99_999])


def test_a_pick_counts_once(service):
    twice = asked(service, picked=[3, 3, 4], k=200, explain=True)
    assert sources(twice) == sources(asked(service, picked=[3, 4], k=200, explain=True))


def test_topics_make_a_list_of_these_topics(service, world):
    answer = asked(service, topics=["t1"], k=200, explain=True)
    assert (answer["known_by"], answer["fallback"]) == ("topics", None)
    rows = pq.read_table(world.root / "small-world" / "items.parquet").to_pylist()
    of_topic = {int(row["item_id"]) for row in rows if "t1" in (row["topics"] or [])}
    ranks = sources(answer)["content"]
    first = sorted(ranks, key=ranks.get)[: len(of_topic & set(ranks))]
    assert first and set(first) <= of_topic
    assert {item["item_id"] for item in asked(service, topics=["t1"], k=5)["items"]} <= of_topic, "they come first"


def test_topics_that_no_item_has_are_told_and_are_no_knowledge(service):
    answer = asked(service, topics=["T1", "Nope"], k=200, explain=True)
    assert (answer["known_by"], answer["unknown_topics"]) == ("topics", ["Nope"])
    assert sources(answer) == sources(asked(service, topics=["t1"], k=200, explain=True))
    nothing = asked(service, topics=["Nope"])
    assert (nothing["known_by"], nothing["fallback"], nothing["unknown_topics"]) == (None, "unknown_user", ["Nope"])


def test_somebody_of_whom_the_users_file_alone_knows_gets_what_fits_their_profile(service):
    answer = service.recommend(user_id=QUIET, k=200, explain=True).json()
    assert (answer["known_by"], answer["fallback"], answer["degraded"]) == ("profile", None, False)
    assert "profile" in sources(answer)


def test_picks_of_a_known_user_count_too(service):
    answer = service.recommend(user_id="u3", picked=PICKED, explain=True, k=200).json()
    assert answer["known_by"] in ("history", "picked") and "als" in sources(answer)


def test_with_nothing_what_is_watched_most_comes(service, world):
    answer = asked(service, k=3)
    assert (answer["known_by"], answer["fallback"]) == (None, "unknown_user")
    assert [item["item_id"] for item in answer["items"]] == world.popular[:3]
