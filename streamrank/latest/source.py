"""Where the latest acts of a key come from, as Feast sees it: a log of events, the SQL of an act, and how many."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from feast import RepoConfig, ValueType
from feast.data_source import DataSource
from feast.protos.feast.core.DataSource_pb2 import DataSource as DataSourceProto

from streamrank.windows import per_event

CLASS = "streamrank.latest.source.LatestSource"


class LatestSource(DataSource):
    """The batch source of a PushSource; a FeatureView over it is a view of each key's latest acts.

    log: folder of the event log. topic: of the bus.
    sql: one SELECT over the relation `events`, which has the log's columns, per event as an `EventSource`'s: it gives
    `event_time`, `shard` and `log_position` unchanged, the join keys, and one column for each feature, under its name.
    most: how many acts are kept. At an instant a feature, an Array, is its column's values of the key's `most` acts
    that arrived last by then, oldest first. All acts of a key must be of one shard of the bus.
    columns: DuckDB's type of each column of `events`; needed only so that `feast apply` can check types before there is
    a log.
    """

    def __init__(
        self, *, name: str, log: str, sql: str, most: int, topic: str = "events",
        columns: Mapping[str, str] | None = None, timestamp_field: str = "event_time", description: str = "",
        tags: dict[str, str] | None = None, owner: str = "",
    ) -> None:  # fmt: skip
        super().__init__(name=name, timestamp_field=timestamp_field, description=description, tags=tags, owner=owner)
        self.log, self.sql, self.most, self.topic = log, sql, most, topic
        self.columns = dict(columns or {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LatestSource) and super().__eq__(other) and self._options() == other._options()

    __hash__ = DataSource.__hash__

    def source_type(self) -> Any:
        return DataSourceProto.CUSTOM_SOURCE

    @staticmethod
    def from_proto(data_source: DataSourceProto) -> "LatestSource":
        options = json.loads(data_source.custom_options.configuration)
        return LatestSource(
            name=data_source.name, timestamp_field=data_source.timestamp_field, description=data_source.description,
            tags=dict(data_source.tags), owner=data_source.owner, **options,
        )  # fmt: skip

    def _to_proto_impl(self) -> DataSourceProto:
        return DataSourceProto(
            name=self.name, type=DataSourceProto.CUSTOM_SOURCE, data_source_class_type=CLASS,
            timestamp_field=self.timestamp_field, description=self.description, tags=self.tags, owner=self.owner,
            custom_options=DataSourceProto.CustomSourceOptions(configuration=json.dumps(self._options()).encode()),
        )  # fmt: skip

    def _options(self) -> dict[str, Any]:
        return {"log": self.log, "sql": self.sql, "most": self.most, "topic": self.topic, "columns": self.columns}

    def validate(self, config: RepoConfig) -> None:
        """DeclarationError where the SQL does not parse or is not per event."""
        per_event.checked(self)

    def get_table_column_names_and_types(self, config: RepoConfig) -> Iterable[tuple[str, str]]:
        """The columns that the SQL gives, with DuckDB's types; of unknown type `"NULL"`."""
        return list(per_event.checked(self).items())

    @staticmethod
    def source_datatype_to_feast_value_type() -> Callable[[str], ValueType]:
        return per_event.value_type

    def get_table_query_string(self) -> str:
        return f"({self.sql})"
