"""The served log's columns: one row an item that was answered, with the very numbers that the ranker scored, what they
were read from, and what was done with the item on its way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from bentos.recommender.evidence import Evidence, acts_stamps, evidence_columns, evidence_of
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
    pa.field("stated_topics", WORDS),  # of the request, as features took them
    pa.field("known_by", pa.string()),  # what the list was made for
    pa.field("found_by", WORDS),  # the sources that proposed the item
    pa.field("stood", pa.int32()),  # the place that the ranker gave, from 1
    pa.field("propensity", pa.float64()),  # with which the item came into its slot
    pa.field("changes", WORDS),  # what re-ranking did
    pa.field("seed", pa.int64()),  # of what was drawn for this request
])  # fmt: skip

TOGETHER = 32  # answers that are made columns in one step
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


@dataclass(frozen=True)
class Answered:
    """What the log keeps of one answer, [n] each, before it is made a table. request: the columns that hold for all of
    its rows. returned: how many of them were. features: float32 [n, features], None in a fallback.
    """

    request: Mapping[str, object]
    returned: int
    item_ids: np.ndarray
    scores: np.ndarray
    features: np.ndarray | None
    stages: Stages | None
    evidence: Evidence | None

    @property
    def num_rows(self) -> int:
        return len(self.item_ids)

    @property
    def kind(self) -> tuple:
        """What it has: those of one kind are made columns together."""
        sources = None if self.stages is None else self.stages.sources
        return self.features is None, sources, None if self.evidence is None else self.evidence.names


def answered(ranked: Ranked, returned: int, everything: bool, **request: object) -> Answered:
    """The first `returned` items of an answer, or all its candidates, as the served log takes them.

    request: the columns that hold for the whole request.
    """
    item_ids, scores, places = _rows(ranked, returned, everything)
    request |= {"known_by": ranked.known_by, "stated_topics": ranked.stated_topics or None}
    request |= acts_stamps(ranked.asked) if ranked.asked is not None else {}
    return Answered(
        request, returned, item_ids, scores.astype(np.float64),
        None if ranked.features is None else ranked.features[places],
        None if ranked.stages is None else _of_rows(ranked.stages, places),
        None if ranked.read is None else evidence_of(ranked.read, places),
    )  # fmt: skip


def served_table(
    schema: pa.Schema, answers: Sequence[Answered], rest: Callable[[], object] = lambda: None
) -> pa.Table:  # fmt: skip
    """The rows of these answers, those of one kind together. A missing feature is null; in a fallback all are.

    rest: called after each small step, so that whoever makes the table can let others work meanwhile.
    """
    kinds: dict[tuple, list[Answered]] = {}
    for each in answers:
        kinds.setdefault(each.kind, []).append(each)
    alike = (some[start : start + TOGETHER] for some in kinds.values() for start in range(0, len(some), TOGETHER))
    return pa.concat_tables([_table(schema, some, rest) for some in alike])


def served_rows(schema: pa.Schema, ranked: Ranked, returned: int, everything: bool, **request: object) -> pa.Table:
    """The table of one answer; see `answered`."""
    return served_table(schema, [answered(ranked, returned, everything, **request)])


def _table(schema: pa.Schema, answers: Sequence[Answered], rest: Callable[[], object]) -> pa.Table:
    """Of answers of one kind."""
    sizes = [each.num_rows for each in answers]
    slots = np.concatenate([np.arange(1, size + 1, dtype=np.int32) for size in sizes])
    beyond = slots > np.repeat([each.returned for each in answers], sizes)
    columns = {
        "item_id": pa.array(np.concatenate([each.item_ids for each in answers]), pa.string()),
        "slot": pa.array(slots, mask=beyond),
        "returned": pa.array(~beyond),
        "score": pa.array(np.concatenate([each.scores for each in answers])),
    }
    rest()
    if answers[0].stages is not None:
        columns |= _stages([each.stages for each in answers])
    rest()
    if answers[0].features is not None:
        features = np.concatenate([each.features for each in answers])
        columns |= _split(features, schema.names[len(COLUMNS) : len(COLUMNS) + features.shape[1]])
    rest()
    if answers[0].evidence is not None:
        columns |= evidence_columns([each.evidence for each in answers], rest)
    of_row, found = pa.array(np.repeat(np.arange(len(answers)), sizes)), []
    for field in schema:
        found.append(_column(field, columns, answers, of_row))
        rest()
    return pa.Table.from_arrays(found, schema=schema)


def _rows(ranked: Ranked, returned: int, everything: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """item_ids, scores and rows of what is logged: what re-ranking left out stands behind."""
    parts = (ranked.item_ids, ranked.scores, ranked.places)
    if not everything:
        return tuple(part[:returned] for part in parts)
    if ranked.left is None:
        return parts
    left = (ranked.left.item_ids, ranked.left.scores, ranked.left.places)
    return tuple(np.concatenate(both) for both in zip(parts, left, strict=True))


def _of_rows(stages: Stages, places: np.ndarray) -> Stages:
    """Of these rows alone, in their order."""
    changes = {at: words for at, row in enumerate(places.tolist()) if (words := stages.changes.get(row)) is not None}
    return Stages(stages.sources, stages.ranks[places], stages.stood[places], stages.propensity[places], changes)


def _stages(parts: Sequence[Stages]) -> dict[str, pa.Array]:
    propensity = np.concatenate([part.propensity for part in parts])
    changes = [part.changes.get(row) for part in parts for row in range(len(part.stood))]
    return {
        "found_by": _found_by(parts[0].sources, np.concatenate([part.ranks for part in parts])),
        "stood": pa.array(np.concatenate([part.stood for part in parts])),
        "propensity": pa.array(propensity, mask=np.isnan(propensity)),
        "changes": pa.array(changes, WORDS),
    }


def _found_by(sources: Sequence[str], ranks: np.ndarray) -> pa.Array:
    found = ~np.isnan(ranks)
    offsets = np.append(0, np.cumsum(found.sum(axis=1))).astype(np.int32)
    names = pa.array(np.array([*sources, ""], dtype=object)[np.nonzero(found)[1]], pa.string())
    return pa.ListArray.from_arrays(offsets, names)


def _split(matrix: np.ndarray, names: Sequence[str]) -> dict[str, pa.Array]:
    """The columns of a matrix, null where it has NaN: parts of one array, since there are a hundred of a few rows."""
    rows = len(matrix)
    whole = pa.array(np.ascontiguousarray(matrix.T).ravel(), from_pandas=True)
    return {name: whole.slice(place * rows, rows) for place, name in enumerate(names)}


def _column(
    field: pa.Field, columns: Mapping[str, pa.Array], answers: Sequence[Answered], of_row: pa.Array
) -> pa.Array:
    if field.name in columns:
        return columns[field.name]
    return pa.array([each.request.get(field.name) for each in answers], field.type).take(of_row)
