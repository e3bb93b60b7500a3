"""Where the events of windows come from, as Feast sees it."""

import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

from streamrank.windows.per_event_source import PerEventSource

# Feast says so of every view at each reading of its registry; here they run, and are audited.
warnings.filterwarnings("ignore", message="Stream feature views are experimental", category=RuntimeWarning)


class EventSource(PerEventSource):
    """The batch source of a PushSource; a StreamFeatureView with aggregations over it is a windowed view.

    sql: per event (`PerEventSource`); it gives the columns to aggregate beside the keys, and may filter and UNNEST.
    Rows with a null key are left out.
    scales: of a column that is no integer the smallest step (0.01) in which its sums and means are counted.
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("log", "sql", "topic", "scales", "columns")

    def __init__(self, *, scales: Mapping[str, float] | None = None, **given: Any) -> None:
        super().__init__(**given)
        self.scales = dict(scales or {})
