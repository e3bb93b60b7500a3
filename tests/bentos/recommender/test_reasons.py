"""With `explain` each item says who proposed it, what moved its score and what re-ranking did; all of it adds up."""

import pytest

ROUNDING = 1e-5  # of a score: its parts are float32, and so is it
REASONS = {"sources", "contributions", "base", "rest", "changes"}


def explained(service, **body) -> list[dict]:
    answer = service.recommend(**body, explain=True)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


@pytest.mark.parametrize("asked", [
    {"user_id": "u3", "k": 200}, {"user_id": "u3", "surface": "home"}, {"user_id": "new", "picked": [3, 4, 9]},
    {"user_id": "new", "topics": ["t1"]}, {"user_id": "u3", "candidates": [5, 9, 99_999]},
])  # fmt: skip
def test_all_contributions_add_up_to_the_score(service, asked):
    items = explained(service, **asked)
    assert items
    for item in items:
        parts = sum(part["contribution"] for part in item["contributions"])
        assert item["base"] + parts + item["rest"] == pytest.approx(item["score"], rel=ROUNDING)
        sizes = [abs(part["contribution"]) for part in item["contributions"]]
        assert 1 <= len(sizes) <= 5 and sizes == sorted(sizes, reverse=True) and min(sizes) > 0


def test_a_contribution_tells_the_feature_in_words(service):
    told = [part for item in explained(service, user_id="u3", k=200) for part in item["contributions"]]
    assert all(set(part) == {"feature", "value", "contribution", "text"} and part["text"] for part in told)
    ages = {part["text"] for part in told if part["feature"] == "user_age"}
    assert len(ages) <= 1 and all(age.startswith("you are ") for age in ages)


def test_sources_say_at_which_place_they_proposed_an_item(service):
    items = explained(service, user_id="new", picked=[3, 4, 9], k=200)
    proposed = {(source["source"], source["rank"]) for item in items for source in item["sources"]}
    assert ("als", 1) in proposed and ("content", 1) in proposed
    for item in items:
        ranks = [source["rank"] for source in item["sources"]]
        assert ranks == sorted(ranks), "the source in which it stands highest comes first"


def test_nothing_is_said_unless_asked(service):
    items = service.recommend(user_id="u3").json()["items"]
    assert all(not REASONS & set(item) for item in items)


def test_a_fallback_has_no_reasons_and_says_so(service):
    item = explained(service, user_id="nobody", k=1)[0]
    assert {name: item[name] for name in REASONS} == {
        "sources": [], "contributions": [], "base": None, "rest": None, "changes": []
    }  # fmt: skip
