"""Feast's response, read out by whole columns: Feast asks of every single value what type it is of."""

from typing import Any

from feast.online_response import TIMESTAMP_POSTFIX, OnlineResponse
from feast.type_map import feast_value_type_to_python_type
from feast.value_type import ValueType

_PLAIN = {"float_val", "double_val", "int32_val", "int64_val", "bool_val", "string_val", "bytes_val"}


class ColumnResponse(OnlineResponse):
    """What OnlineResponse is, with the same values, faster."""

    def to_dict(self, include_event_timestamps: bool = False) -> dict[str, Any]:
        columns: dict[str, Any] = {}
        for name, vector in zip(self.proto.metadata.feature_names.val, self.proto.results, strict=True):
            columns[name] = _column(vector.values, self._feature_types.get(name))
            if include_event_timestamps:
                columns[name + TIMESTAMP_POSTFIX] = [stamp.seconds for stamp in vector.event_timestamps]
        return columns


def _column(values: Any, declared: ValueType | None) -> list:
    attribute = next((each for each in (value.WhichOneof("val") for value in values) if each), None)
    if attribute not in _PLAIN or declared in (ValueType.UUID, ValueType.TIME_UUID):
        return [feast_value_type_to_python_type(value, declared) for value in values]
    return [
        getattr(value, attribute) if value.HasField(attribute) else feast_value_type_to_python_type(value, declared)
        for value in values
    ]
