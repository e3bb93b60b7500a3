"""The served log's columns: one row an item that was answered, with the very numbers that the ranker scored, and what
they were read from."""

import hashlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from bentos.recommender.evidence import evidence_columns
from bentos.recommender.query import Ranked
from catalog.schema import INSTANT

COLUMNS = pa.schema([
    pa.field("request_id", pa.string(), nullable=False),
    pa.field("as_of", INSTANT, nullable=False),
    pa.field("user_id", pa.string(), nullable=False),
    pa.field("item_id", pa.string(), nullable=False),
    pa.field("slot", pa.int32()),  # place in the answer from 1, null where the item was not returned
    pa.field("returned", pa.bool_(), nullable=False),
    pa.field("score", pa.float64(), nullable=False),
    pa.field("model_version", pa.string(), nullable=False),
    pa.field("fallback", pa.string()),
    pa.field("surface", pa.string()),
    pa.field("device", pa.string()),
    pa.field("location", pa.string()),
])  # fmt: skip


def served_schema(features: Sequence[str], evidence: Sequence[pa.Field] = ()) -> pa.Schema:
    """COLUMNS, then a float32 column for each feature of the model, in the model's order, then those of `evidence`."""
    taken = sorted(set(features) & {*COLUMNS.names, *(field.name for field in evidence)})
    if taken:
        raise ValueError(f"features {taken} have the names of columns of the served log; rename them in feature_repo")
    return pa.schema([*COLUMNS, *(pa.field(name, pa.float32()) for name in features), *evidence])


def served_rows(schema: pa.Schema, ranked: Ranked, returned: int, everything: bool, **request: object) -> pa.Table:
    """The first `returned` items of an answer, or all its candidates, as the served log takes them.

    request: the columns that hold for the whole request. A missing feature is null; in a fallback all are.
    """
    rows = len(ranked.item_ids) if everything else returned
    slots = np.arange(1, rows + 1, dtype=np.int32)
    columns = {
        "item_id": pa.array(ranked.item_ids[:rows], pa.string()),
        "slot": pa.array(slots, mask=slots > returned),
        "returned": pa.array(slots <= returned),
        "score": pa.array(ranked.scores[:rows].astype(np.float64)),
    }
    if ranked.features is not None:
        names = schema.names[len(COLUMNS) : len(COLUMNS) + ranked.features.shape[1]]
        columns |= _split(ranked.features[ranked.places[:rows]], names)
    if ranked.read is not None:
        columns |= evidence_columns(ranked.read.at(ranked.places[:rows]))
    return pa.Table.from_arrays([_column(field, columns, request, rows) for field in schema], schema=schema)


def _split(matrix: np.ndarray, names: Sequence[str]) -> dict[str, pa.Array]:
    """The columns of a matrix, null where it has NaN: parts of one array, since there are a hundred of a few rows."""
    rows = len(matrix)
    whole = pa.array(np.ascontiguousarray(matrix.T).ravel(), from_pandas=True)
    return {name: whole.slice(place * rows, rows) for place, name in enumerate(names)}


def _column(field: pa.Field, columns: dict[str, pa.Array], request: dict[str, object], rows: int) -> pa.Array:
    if field.name in columns:
        return columns[field.name]
    return pa.repeat(pa.scalar(request.get(field.name), field.type), rows)


def in_sample(request_id: str, rate: float) -> bool:
    """Whether a request is among the share `rate` that is logged with all its candidates: decided by its id alone."""
    number = int.from_bytes(hashlib.blake2b(request_id.encode(), digest_size=8).digest())
    return number < rate * 2**64
