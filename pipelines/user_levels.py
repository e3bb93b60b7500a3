"""How much each user wants at all, as SQL: a day apart, and behind a data set's split a week apart.

Levels say how eager a user is, not what to put first. One that moves with every outcome makes a user's scores of
different days hard to compare: who has just clicked looks eager, and what is shown next looks better than all before.
So levels hold still between fits, and what changes by the hour is left to features of items and of activity.
"""

from collections.abc import Sequence
from datetime import datetime

from catalog.dataset import Manifest
from streamrank.clock import DAY, microseconds

MOST = 30  # instants in the training part
APART_LATER = 7 * DAY
PRIOR = 5  # impressions or views at the rate of all users

FEATURES = (
    "user_level_impressions", "user_level_click_rate", "user_level_surplus", "user_level_watch_ratio",
    "user_level_watch_log", "user_level_likes", "user_level_rating",
)  # fmt: skip


def level_instants(first_us: int, last_us: int, manifest: Manifest) -> list[int]:
    """The instants, us UTC, from the first event's to the last's. Where the data set is split: a day apart and up to
    MOST before the test part, counted back from where it begins, then a week apart; else every UTC midnight, and
    the one behind the last event.

    None depends on when the last event came, so that a later run makes the rows of the past again as they were.
    """
    if manifest.split_at is None:
        return list(range(-(-first_us // DAY) * DAY, last_us + DAY, DAY))
    end = microseconds(datetime.fromisoformat(manifest.split_at))
    apart = max(DAY, -(-(end - first_us) // MOST))
    learning = list(range(end, first_us, -apart))[::-1]
    return [*learning, *range(end + APART_LATER, last_us + 1, APART_LATER)]


def user_levels(events: str, instants: Sequence[int], delay_us: int) -> str:
    """SQL of user_id, event_timestamp, created (delay_us later) and FEATURES, one row a user and instant before which
    anything of theirs arrived since the instant before it.

    events: a relation of log events. delay_us: from an instant to its row being known.
    Rates are drawn to those of all users as of the same instant. surplus: clicks an
    impression beyond the usual rate of the surfaces it was shown on.
    """
    return SQL.format(events=events, instants=", ".join(map(str, instants)), delay=delay_us)


# Whole numbers, in millionths where they stand for fractions, so that sums are exact in any order.
SUMS = ("shown", "clicks", "views", "likes", "ratio", "ratios", "logs", "rating", "ratings")
ADDED = ", ".join(f"sum({name})::BIGINT AS {name}" for name in SUMS)
SO_FAR = ", ".join(f"sum({name}) OVER so_far AS {name}" for name in SUMS)


def _drawn(total: str, count: str, unit: str = "1e6") -> str:
    """A user's mean, drawn to that of all users."""
    usual = f"e.{total} / {unit} / nullif(e.{count}, 0)"
    return f"((l.{total} / {unit} + {PRIOR} * ({usual})) / (l.{count} + {PRIOR}))::FLOAT"


SQL = f"""
WITH instants AS (SELECT unnest([{{instants}}]::BIGINT[]) AS instant),
acts AS (
  SELECT user_id, coalesce(surface, '') AS surface, epoch_us(arrived_at) AS arrived,
    (event_type = 'impression')::INT AS shown, (event_type = 'click')::INT AS clicks,
    (event_type = 'view')::INT AS views, (event_type = 'like')::INT AS likes,
    CASE WHEN event_type = 'view' THEN least(watch_ms / nullif(duration_ms, 0), 1) END AS share,
    CASE WHEN event_type = 'view' THEN ln(1 + greatest(watch_ms, 0) / 1000) END AS length,
    CASE WHEN event_type IN ('view', 'rating') AND isfinite(value) THEN value END AS given
  FROM {{events}} WHERE user_id IS NOT NULL AND event_type IN ('impression', 'click', 'view', 'like', 'rating')),
counted AS (
  SELECT *, coalesce(round(share * 1e6), 0) AS ratio, (share IS NOT NULL)::INT AS ratios,
    coalesce(round(length * 1e6), 0) AS logs, coalesce(round(given * 1e6), 0) AS rating,
    (given IS NOT NULL)::INT AS ratings FROM acts),
cells AS (SELECT user_id, surface, instant, {ADDED} FROM counted ASOF JOIN instants ON arrived <= instant GROUP BY ALL),
surfaces AS (
  SELECT surface, instant, sum(sum(clicks)) OVER so_far / nullif(sum(sum(shown)) OVER so_far, 0) AS usual
  FROM cells GROUP BY surface, instant WINDOW so_far AS (PARTITION BY surface ORDER BY instant)),
steps AS (
  SELECT user_id, instant, {ADDED}, sum(clicks - shown * coalesce(usual, 0) ORDER BY surface) AS surplus
  FROM cells JOIN surfaces USING (surface, instant) GROUP BY user_id, instant),
levels AS (
  SELECT user_id, instant, {SO_FAR}, sum(surplus) OVER so_far AS surplus
  FROM steps WINDOW so_far AS (PARTITION BY user_id ORDER BY instant)),
everyone AS (
  SELECT instant, {SO_FAR} FROM (SELECT instant, {ADDED} FROM steps GROUP BY instant)
  WINDOW so_far AS (ORDER BY instant))
SELECT user_id, make_timestamptz(instant::BIGINT) AS event_timestamp,
  make_timestamptz(instant::BIGINT + {{delay}}) AS created,
  l.shown::FLOAT AS user_level_impressions,
  {_drawn("clicks", "shown", "1")} AS user_level_click_rate,
  (CASE WHEN e.shown > 0 THEN l.surplus / (l.shown + {PRIOR}) END)::FLOAT AS user_level_surplus,
  {_drawn("ratio", "ratios")} AS user_level_watch_ratio,
  {_drawn("logs", "views")} AS user_level_watch_log,
  (l.likes / nullif(l.views, 0))::FLOAT AS user_level_likes,
  {_drawn("rating", "ratings")} AS user_level_rating
FROM levels l JOIN everyone e USING (instant) ORDER BY user_id, event_timestamp
"""
