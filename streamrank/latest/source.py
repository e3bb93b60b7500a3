"""Where the latest acts of a key come from, as Feast sees it: events, the SQL of an act, and how many are kept."""

from typing import Any, ClassVar

from streamrank.windows.per_event_source import PerEventSource


class LatestSource(PerEventSource):
    """The batch source of a PushSource; a FeatureView over it is a view of each key's latest acts.

    sql: per event (`PerEventSource`); it gives one column for each feature, under its name, beside the keys.
    most: how many acts are kept. At an instant a feature, an Array, is its column's values of the key's `most` acts
    that arrived last by then, oldest first. All acts of a key must be of one shard of the bus.
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("log", "sql", "most", "topic", "columns")

    def __init__(self, *, most: int, **given: Any) -> None:
        super().__init__(**given)
        self.most = most
