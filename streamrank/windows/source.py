"""Where events come from, as Feast sees it: a topic of the bus, its log, and the SQL that makes rows of an event."""

import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from feast import RepoConfig, ValueType
from feast.data_source import DataSource
from feast.protos.feast.core.DataSource_pb2 import DataSource as DataSourceProto

from streamrank.windows import per_event

# Feast says so of every view at each reading of its registry; here they run, and are audited.
warnings.filterwarnings("ignore", message="Stream feature views are experimental", category=RuntimeWarning)

CLASS = "streamrank.windows.source.EventSource"


class EventSource(DataSource):
    """The batch source of a PushSource; a StreamFeatureView with aggregations over it is a windowed view.

    log: folder of the event log. topic: of the bus.
    sql: one SELECT over the relation `events`, which has the log's columns. It is per event: it gives `event_time`,
    `shard` and `log_position` unchanged, the join keys and the columns to aggregate, and may filter and UNNEST. Rows
    with a null key are left out. The same text runs on the log and on each micro-batch.
    scales: of a column that is no integer the smallest step (0.01) in which its sums and means are counted.
    columns: DuckDB's type of each column of `events`; needed only so that `feast apply` can check types before there is
    a log.
    """

    def __init__(
        self, *, name: str, log: str, sql: str, topic: str = "events", scales: Mapping[str, float] | None = None,
        columns: Mapping[str, str] | None = None, timestamp_field: str = "event_time", description: str = "",
        tags: dict[str, str] | None = None, owner: str = "",
    ) -> None:  # fmt: skip
        super().__init__(name=name, timestamp_field=timestamp_field, description=description, tags=tags, owner=owner)
        self.log, self.sql, self.topic = log, sql, topic
        self.scales, self.columns = dict(scales or {}), dict(columns or {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EventSource) and super().__eq__(other) and self._options() == other._options()

    __hash__ = DataSource.__hash__

    def source_type(self) -> Any:
        return DataSourceProto.CUSTOM_SOURCE

    @staticmethod
    def from_proto(data_source: DataSourceProto) -> "EventSource":
        options = json.loads(data_source.custom_options.configuration)
        return EventSource(
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
        return {
            "log": self.log, "sql": self.sql, "topic": self.topic, "scales": self.scales, "columns": self.columns
        }  # fmt: skip

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
