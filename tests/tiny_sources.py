"""Small sources in the layouts of others, for tests."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

SHOWN_MS = 1_651_000_000_000
FLAGS = ("is_click", "is_like", "is_follow", "is_comment", "is_forward", "is_hate", "long_view")
WATCHED = {"play_time_ms": 9_000, "is_click": 1, "is_like": 1, "long_view": 1}
EXPOSURES = [
    {"user_id": 7, "video_id": 1, "time_ms": SHOWN_MS, **WATCHED},
    {"user_id": 7, "video_id": 2, "time_ms": SHOWN_MS + 60_000, "play_time_ms": 0, "is_hate": 1},
    {"user_id": 8, "video_id": 2, "time_ms": SHOWN_MS + 70_000, "play_time_ms": 0},
    {"user_id": 8, "video_id": 2, "time_ms": SHOWN_MS + 70_000, "play_time_ms": 0, "profile_stay_time": 5},
    {"user_id": 8, "video_id": 9, "time_ms": SHOWN_MS + 80_000, "play_time_ms": 500, "is_forward": 1, "tab": 4},
]  # fmt: skip
VIDEOS = [
    {"video_id": 1, "author_id": 50, "upload_dt": "2022-04-10", "video_duration": 10_000.0, "tag": "39,5"},
    {"video_id": 2, "author_id": 51, "upload_dt": "2022-04-11", "video_duration": None, "tag": None},
]
USERS = [
    {"user_id": 7, "user_active_degree": "full_active", "onehot_feat12": 1.0},
    {"user_id": 8, "user_active_degree": "UNKNOWN", "onehot_feat12": None},
]


def exposures() -> pa.Table:
    nothing = dict.fromkeys((*FLAGS, "profile_stay_time"), 0) | {"duration_ms": 10_000, "tab": 1}
    return pa.Table.from_pylist([nothing | exposure for exposure in EXPOSURES])


def kuairand_as_parquet(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    videos = pa.Table.from_pylist(VIDEOS)
    days = videos["upload_dt"].cast(pa.date32())
    pq.write_table(exposures(), folder / "exposures.parquet")
    pq.write_table(pa.Table.from_pylist(USERS), folder / "users.parquet")
    pq.write_table(videos.set_column(2, "upload_dt", days), folder / "videos.parquet")
    return folder


def kuairand_as_downloaded(folder: Path) -> Path:
    """The folder that the archive unpacks to: a `data` folder of CSV files, the log in two of them."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    rows = exposures()
    csv.write_csv(rows.slice(0, 2), data / "log_standard_4_08_to_4_21_pure.csv")
    csv.write_csv(rows.slice(2), data / "log_standard_4_22_to_5_08_pure.csv")
    csv.write_csv(pa.Table.from_pylist(USERS), data / "user_features_pure.csv")
    csv.write_csv(pa.Table.from_pylist(VIDEOS), data / "video_features_basic_pure.csv")
    return folder
