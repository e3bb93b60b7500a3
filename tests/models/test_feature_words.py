"""Every feature is told in words, those of the feature repo and of all sources without naming a column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.feature_words import SOURCES, source_words, told
from models.retrieval.merging import SOURCE_FEATURES
from models.retrieval.sources import ALL

NAMES = [kind.name for kind in ALL]


@pytest.mark.parametrize(("feature", "value", "text"), [
    ("uc_views_168h", 3, "you watched 3 shows by this creator this week"),
    ("uc_views_168h", 1, "you watched 1 show by this creator this week"),
    ("uc_views_168h", 0, "you watched no show by this creator this week"),
    ("ut_views_24h", 12_345, "you watched 12,345 shows of this topic in the last 24 hours"),
    ("item_views_10m", 1, "it was watched once in the last 10 minutes"),
    ("surface_item_clicks_1h", 2, "it was clicked twice where you are in the last hour"),
    ("creator_likes_60d", None, "shows by this creator were liked an unknown number of times in the last 60 days"),
    ("item_click_rate_24h", 0.25, "an estimated 25 % of those who were shown it clicked in the last 24 hours"),
    ("user_watch_ms_24h", 5_400_000, "you spent 90 minutes with shows in the last 24 hours"),
    ("ut_rating_60d", None, "you gave an unknown rating to shows of this topic on average in the last 60 days"),
    ("user_active_days_60d", 12, "you were here on 12 days in the last 60 days"),
    ("item_age_days", 0.5, "it is new: 12 hours old"),
    ("item_age_days", -1, "it has not begun yet"),
    ("user_age", None, "your age is not known"),
    ("weekday", 6, "it is Sunday"),
    ("als_rank", 4, "it is number 4 among what people with your taste watch"),
    ("als_score", None, "it is not among what people with your taste watch"),
    ("als_score", -2.11, "how well it fits what people with your taste watch"),
    ("item_year", 1997, "it was made in 1997"),
    ("topic_overlap", 1 / 3, "its topics are 33 % of what you watch"),
    ("user_rating_60d", 3.5714, "you gave 3.6 to shows on average in the last 60 days"),
    ("item_views_slope", -0.02, "fewer and fewer watch it"),
    ("sources_found", 3, "3 ways of finding shows found it"),
    ("sources_found", 1, "1 way of finding shows found it"),
    ("nobody_knows_this", 1.5, "nobody knows this: 1.5"),
    ("nobody_knows_this", None, "nobody knows this is not known"),
])  # fmt: skip
def test_a_feature_is_told_with_its_value(feature, value, text):
    assert told(feature, value) == text


@pytest.mark.parametrize(("above", "text"), [
    (1, "best of all candidates"), (0.873, "better than 87 % of all candidates"),
    (0.5, "as well as most candidates"), (0.2, "worse than 80 % of all candidates"), (0, "least of all candidates"),
])  # fmt: skip
def test_the_score_of_a_source_is_told_beside_the_other_candidates(above, text):
    assert told("als_score", -2.11, above) == f"it fits what people with your taste watch {text}"
    assert told("als_rank", 4, above) == told("als_rank", 4) and told("user_age", 30, above) == told("user_age", 30)


def test_every_source_has_words():
    assert set(NAMES) == set(SOURCES)
    assert source_words("a_new_one") == "what a new one proposes"


@given(st.sampled_from(SOURCE_FEATURES(NAMES)), st.none() | st.floats(-1e12, 1e12), st.none() | st.floats(0, 1))
def test_what_sources_say_never_shows_a_columns_name(feature, value, above):
    assert "_" not in told(feature, value, above)


def test_every_feature_of_the_ranker_is_told_without_its_name(feature_names):
    for feature in feature_names:
        for value in (None, 0.0, 1.0, 1234.5):
            assert "_" not in told(feature, value)
            assert not told(feature, value).startswith(feature.replace("_", " ") + ":")


@pytest.fixture(scope="module")
def feature_names() -> list[str]:
    """The features of the service `ranker`, as feature_repo declares them."""
    import sys

    from streamrank.environment import CHECKOUT

    sys.path.insert(0, str(CHECKOUT / "feature_repo"))
    try:
        import services

        return [field.name for view in services.ranker.feature_view_projections for field in view.features]
    finally:
        sys.path.remove(str(CHECKOUT / "feature_repo"))
