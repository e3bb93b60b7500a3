"""The served log's columns: one row an item that was answered, with the very numbers that the ranker scored, what they
were read from, and what was done with the item on its way."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from bentos.recommender.evidence import acts_columns, evidence_columns
from bentos.recommender.query import Ranked, Stages
from catalog.schema import INSTANT

WORDS = pa.list_(pa.string())
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
    pa.field("known_by", pa.string()),  # what the list was made for
    pa.field("found_by", WORDS),  # the sources that proposed the item
    pa.field("stood", pa.int32()),  # the place that the ranker gave, from 1
    pa.field("propensity", pa.float64()),  # with which the item came into its slot
    pa.field("changes", WORDS),  # what re-ranking did
    pa.field("seed", pa.int64()),  # of what was drawn for this request
])  # fmt: skip

FROM_SOURCES = {b"made_by": b"sources"}
"""Marks the features that no feature store holds, so that an audit does not look for them there."""


def served_schema(features: Sequence[str], evidence: Sequence[pa.Field] = (), sources: Sequence[str] = ()) -> pa.Schema:
    """COLUMNS, then a float32 column for each feature of the model, in the model's order, then those of `evidence`.

    sources: those of the features that sources of candidates give.
    """
    taken = sorted(set(features) & {*COLUMNS.names, *(field.name for field in evidence)})
    if taken:
        raise ValueError(f"features {taken} have the names of columns of the served log; rename them in feature_repo")
    made_by = dict.fromkeys(sources, FROM_SOURCES)
    scored = (pa.field(name, pa.float32(), metadata=made_by.get(name)) for name in features)
    return pa.schema([*COLUMNS, *scored, *evidence])


def served_rows(schema: pa.Schema, ranked: Ranked, returned: int, everything: bool, **request: object) -> pa.Table:
    """The first `returned` items of an answer, or all its candidates, as the served log takes them.

    request: the columns that hold for the whole request. A missing feature is null; in a fallback all are.
    """
    item_ids, scores, places = _rows(ranked, returned, everything)
    slots = np.arange(1, len(item_ids) + 1, dtype=np.int32)
    columns = {
        "item_id": pa.array(item_ids, pa.string()),
        "slot": pa.array(slots, mask=slots > returned),
        "returned": pa.array(slots <= returned),
        "score": pa.array(scores.astype(np.float64)),
    }
    if ranked.stages is not None:
        columns |= _stages(ranked.stages, places)
    if ranked.features is not None:
        names = schema.names[len(COLUMNS) : len(COLUMNS) + ranked.features.shape[1]]
        columns |= _split(ranked.features[places], names)
    if ranked.read is not None:
        columns |= evidence_columns(ranked.read.at(places))
    if ranked.asked is not None:
        columns |= acts_columns(ranked.asked, len(places))
    request |= {"known_by": ranked.known_by}
    return pa.Table.from_arrays([_column(field, columns, request, len(places)) for field in schema], schema=schema)


def _rows(ranked: Ranked, returned: int, everything: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """item_ids, scores and rows of what is logged: what re-ranking left out stands behind."""
    parts = (ranked.item_ids, ranked.scores, ranked.places)
    if not everything:
        return tuple(part[:returned] for part in parts)
    if ranked.left is None:
        return parts
    left = (ranked.left.item_ids, ranked.left.scores, ranked.left.places)
    return tuple(np.concatenate(both) for both in zip(parts, left, strict=True))


def _stages(stages: Stages, places: np.ndarray) -> dict[str, pa.Array]:
    propensity = stages.propensity[places]
    return {
        "found_by": _found_by(stages, places),
        "stood": pa.array(stages.stood[places]),
        "propensity": pa.array(propensity, mask=np.isnan(propensity)),
        "changes": pa.array([stages.changes.get(row) for row in places.tolist()], WORDS),
    }


def _found_by(stages: Stages, places: np.ndarray) -> pa.Array:
    found = ~np.isnan(stages.ranks[places])
    offsets = np.append(0, np.cumsum(found.sum(axis=1))).astype(np.int32)
    names = pa.array(np.array([*stages.sources, ""], dtype=object)[np.nonzero(found)[1]], pa.string())
    return pa.ListArray.from_arrays(offsets, names)


def _split(matrix: np.ndarray, names: Sequence[str]) -> dict[str, pa.Array]:
    """The columns of a matrix, null where it has NaN: parts of one array, since there are a hundred of a few rows."""
    rows = len(matrix)
    whole = pa.array(np.ascontiguousarray(matrix.T).ravel(), from_pandas=True)
    return {name: whole.slice(place * rows, rows) for place, name in enumerate(names)}


def _column(field: pa.Field, columns: dict[str, pa.Array], request: dict[str, object], rows: int) -> pa.Array:
    if field.name in columns:
        return columns[field.name]
    return pa.repeat(pa.scalar(request.get(field.name), field.type), rows)
