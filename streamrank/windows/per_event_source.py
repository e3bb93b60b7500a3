"""A topic of the bus, its log, and SQL that makes rows of one event: a data source that Feast keeps in its registry."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Self

from feast import RepoConfig, ValueType
from feast.data_source import DataSource
from feast.protos.feast.core.DataSource_pb2 import DataSource as DataSourceProto

from streamrank.windows import per_event


class PerEventSource(DataSource):
    """What the sources of views over events share; a subclass says how many and what they keep of them.

    log: folder of the event log. topic: of the bus.
    sql: one SELECT over the relation `events`, which has the log's columns. It is per event: it gives `event_time`,
    `shard` and `log_position` unchanged, and the join keys. The same text runs on the log and on each micro-batch.
    columns: DuckDB's type of each column of `events`; needed only so that `feast apply` can check types before there is
    a log.
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("log", "sql", "topic", "columns")

    def __init__(
        self, *, name: str, log: str, sql: str, topic: str = "events", columns: Mapping[str, str] | None = None,
        timestamp_field: str = "event_time", description: str = "", tags: dict[str, str] | None = None, owner: str = "",
    ) -> None:  # fmt: skip
        super().__init__(name=name, timestamp_field=timestamp_field, description=description, tags=tags, owner=owner)
        self.log, self.sql, self.topic, self.columns = log, sql, topic, dict(columns or {})

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and super().__eq__(other) and self._options() == other._options()

    __hash__ = DataSource.__hash__

    def source_type(self) -> Any:
        return DataSourceProto.CUSTOM_SOURCE

    @classmethod
    def from_proto(cls, data_source: DataSourceProto) -> Self:
        options = json.loads(data_source.custom_options.configuration)
        return cls(
            name=data_source.name, timestamp_field=data_source.timestamp_field, description=data_source.description,
            tags=dict(data_source.tags), owner=data_source.owner, **options,
        )  # fmt: skip

    def _to_proto_impl(self) -> DataSourceProto:
        return DataSourceProto(
            name=self.name, type=DataSourceProto.CUSTOM_SOURCE,
            data_source_class_type=f"{type(self).__module__}.{type(self).__qualname__}",
            timestamp_field=self.timestamp_field, description=self.description, tags=self.tags, owner=self.owner,
            custom_options=DataSourceProto.CustomSourceOptions(configuration=json.dumps(self._options()).encode()),
        )  # fmt: skip

    def _options(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.OPTIONS}

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
