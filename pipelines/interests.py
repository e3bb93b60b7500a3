"""A user's topics of interest as SQL: on each day that they change, the most viewed topics and their shares."""

from pipelines.daily_windows import DailyWindows, running_sums

TOP_TOPICS = 10

TOPIC_VIEWS = DailyWindows(keys={"user_id": "user_id", "topic": "each_topic"}, sums={"views": (60,)})
USER_VIEWS = DailyWindows(keys={"user_id": "user_id"}, sums={"views": (60,)})


def interests(events: str, last_day: int) -> str:
    """SQL of user_id, day, user_top_topics and user_top_topic_shares (of the user's views over 60 days).

    A view counts for each of its item's topics, so shares may add up to more than 1. Ties are broken by the topic's
    name. A user whose last view left the window has two empty lists.
    """
    by_topic = f"(SELECT *, unnest(list_distinct(topics)) AS each_topic FROM {events} WHERE views > 0)"
    return f"""
WITH topic_views AS ({running_sums(TOPIC_VIEWS, by_topic, last_day)}),
user_views AS ({running_sums(USER_VIEWS, events, last_day)}),
moments AS (SELECT DISTINCT user_id, day FROM topic_views UNION SELECT user_id, day FROM user_views),
known AS (SELECT DISTINCT user_id, topic FROM topic_views),
states AS (
  SELECT m.user_id, m.day, m.topic, t.views_60d AS views
  FROM (SELECT * FROM moments JOIN known USING (user_id)) m
  ASOF JOIN topic_views t ON m.user_id = t.user_id AND m.topic = t.topic AND m.day >= t.day
  WHERE t.views_60d > 0
  QUALIFY row_number() OVER (PARTITION BY m.user_id, m.day ORDER BY t.views_60d DESC, m.topic) <= {TOP_TOPICS}
),
tops AS (
  SELECT user_id, day,
    list(topic ORDER BY views DESC, topic) AS topics, list(views ORDER BY views DESC, topic) AS counts
  FROM states GROUP BY ALL
)
SELECT m.user_id, m.day,
  coalesce(t.topics, []::VARCHAR[]) AS user_top_topics,
  coalesce(list_transform(t.counts, lambda c: (c::DOUBLE / u.views_60d::DOUBLE)::FLOAT), []::FLOAT[])
    AS user_top_topic_shares
FROM moments m
LEFT JOIN tops t USING (user_id, day)
ASOF LEFT JOIN user_views u ON m.user_id = u.user_id AND m.day >= u.day"""
