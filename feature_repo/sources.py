"""Where feature rows come from: one Parquet file a view, written by the batch features job, and the request itself."""

import os
from datetime import timedelta

from feast import Field, FileSource, RequestSource
from feast.types import Array, Int64, String

FEATURES = os.path.expandvars("${STREAMRANK_ROOT}/${STREAMRANK_DATASET}/features")
"""The data set's folder, from the same variables as feature_store.yaml."""

NEVER_EXPIRES = timedelta(days=36_500)
"""How long a row holds without a newer one: until one comes.

Written out, where Feast's default of 0 means the same, because the first `feast materialize-incremental` starts at now
minus this: 0 would start it a year ago, and miss attributes (known always, so from 1970 on) and older data.
"""

request = RequestSource(
    name="request",
    schema=[
        Field(name="request_time", dtype=Int64),
        Field(name="surface", dtype=String),
        Field(name="stated_topics", dtype=Array(String)),
    ],
    description="what a request brings: its time in microseconds since 1970 UTC, where the list is shown, and which "
    "topics the user names as liked",
)


def feature_file(view: str) -> FileSource:
    """The rows of a view: keys, `event_timestamp` (from when they hold), `created` (when they were known), features."""
    return FileSource(
        name=view,
        path=f"{FEATURES}/{view}.parquet",
        timestamp_field="event_timestamp",
        created_timestamp_column="created",
    )
