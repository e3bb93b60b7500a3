"""KuaiRand: real feed exposures, clicked and not clicked, with millisecond times (Gao et al., CIKM 2022).

An exposure becomes an impression at `time_ms`. Its outcomes are events at the instant they are known,
`time_ms + max(play_time_ms, 1)`, and never at the impression itself: a feature read there would know the label.
"""

from pathlib import Path

import pyarrow as pa

from catalog.dataset import Manifest
from catalog.kuairand_files import Files, find, table
from catalog.source import Source, fingerprint
from catalog.sql import query

SPLIT_AT = "2022-04-30T16:00:00+00:00"  # the middle of the 14 days, midnight in Beijing
BEIJING_HOURS = 8
OUTCOMES = {
    "is_click": "click", "is_like": "like", "is_follow": "follow",
    "is_comment": "comment", "is_forward": "share", "is_hate": "hide",
}  # fmt: skip
COLUMNS = (*OUTCOMES, "user_id", "video_id", "time_ms", "long_view", "play_time_ms", "duration_ms", "tab")
VIDEO_COLUMNS = ("video_id", "author_id", "upload_dt", "video_duration", "tag")


def source(folder: Path, name: str = "kuairand") -> Source:
    """The data set in `folder`, in either layout; InputError names what is missing."""
    files = find(folder)
    manifest = Manifest(
        name=name,
        source="kuairand",
        label_rule="click",
        item_ids="integer",
        user_ids="integer",
        split_at=SPLIT_AT,
        group_zone_hours=BEIJING_HOURS,
    )
    return Source(manifest, _events(files), _items(files), _users(files), fingerprint(files.all(), "kuairand"))


def _events(files: Files) -> pa.Table:
    exposures = query(EXPOSURES, raw=table(files.exposures, COLUMNS))
    outcomes = " UNION ALL ".join(OUTCOME.format(flag=flag, kind=kind) for flag, kind in OUTCOMES.items())
    together = f"{IMPRESSION} UNION ALL {VIEW} UNION ALL {outcomes} ORDER BY event_time, event_id"
    return query(together, exposures=exposures)


def _items(files: Files) -> pa.Table:
    return query(ITEMS, raw=table(files.videos, VIDEO_COLUMNS))


def _users(files: Files) -> pa.Table:
    return query("SELECT DISTINCT ON (user_id) * FROM raw ORDER BY user_id", raw=table(files.users, ("user_id",)))


# The log has exposures that differ only in columns left out here: they are told apart by their occurrence.
EXPOSURES = """
SELECT *, user_id || '-' || video_id || '-' || time_ms || CASE WHEN seen > 1 THEN '-' || seen ELSE '' END AS id,
       make_timestamptz(time_ms * 1000) AS shown_at,
       make_timestamptz((time_ms + greatest(play_time_ms, 1)) * 1000) AS known_at
FROM (SELECT *, row_number() OVER (PARTITION BY user_id, video_id, time_ms ORDER BY shown) AS seen
      FROM (SELECT DISTINCT * FROM raw) AS shown)
"""
IMPRESSION = """
SELECT id AS event_id, shown_at AS event_time, 'impression' AS event_type, user_id, video_id AS item_id,
       NULL AS impression_id, NULL::BIGINT AS watch_ms, duration_ms, NULL::DOUBLE AS value, tab::VARCHAR AS surface
FROM exposures
"""
# The value of a view is the source's own long_view, 1 or 0.
VIEW = """
SELECT id || ':view', known_at, 'view', user_id, video_id, id, play_time_ms, duration_ms, long_view::DOUBLE,
       tab::VARCHAR
FROM exposures WHERE play_time_ms > 0
"""
OUTCOME = """
SELECT id || ':{kind}', known_at, '{kind}', user_id, video_id, id, NULL, duration_ms, NULL, tab::VARCHAR
FROM exposures WHERE {flag} = 1
"""
ITEMS = f"""
SELECT DISTINCT ON (video_id) video_id AS item_id, author_id AS creator_id,
       string_split(nullif(tag::VARCHAR, ''), ',') AS topics, 'on_demand' AS kind,
       video_duration::BIGINT AS duration_ms,
       upload_dt::TIMESTAMP::TIMESTAMPTZ - INTERVAL {BEIJING_HOURS} HOURS AS available_from
FROM raw ORDER BY video_id
"""
