"""Columns that say nothing, as they are the same in all rows: a ranker is fitted sooner without them, and serves so."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from models.rankers.examples import Examples


def varying(examples: Examples, always: Collection[str]) -> Examples:
    """The examples without the columns of one value, a missing one being a value too; those of `always` stay."""
    if not len(examples):
        return examples
    columns = zip(examples.features, examples.matrix[0], examples.matrix.T, strict=True)
    kept = [place for place, (name, *told) in enumerate(columns) if name in always or not _is_same(*told)]
    return replace(examples, matrix=examples.matrix[:, kept], features=[examples.features[place] for place in kept])


def _is_same(value: np.float32, column: np.ndarray) -> bool:
    return bool(np.isnan(column).all() if np.isnan(value) else (column == value).all())
