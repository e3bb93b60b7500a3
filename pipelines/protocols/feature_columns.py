"""Feast's features as columns beside those of the sources: each as known just before its question."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from catalog.dataset import DataSet
from models.items import Items
from models.learning.question import Extra, Question
from models.matrix import matrix

MOST_QUESTIONS = 1_500  # whose candidates' features are asked at once
SERVICE = "ranker"


def why_none(data: DataSet, timed: bool, ordered: bool) -> str | None:
    """Why features cannot be asked of questions, in words; None where they can."""
    from pipelines.feature_store import FeaturesMissing, declared_features, open_store

    if not timed:
        return "the questions have no instant as of which a feature could be asked"
    if ordered:
        return "times are only an order, and the features' windows are hours and days"
    try:
        declared_features(open_store(), SERVICE)
    except FeaturesMissing as missing:
        return str(missing)
    return None


def feature_columns(items: Items) -> Extra:
    """Columns of the service `ranker` by name, float32, NaN where missing.

    A question sees what was before its instant: it is asked a microsecond earlier.
    """

    def columns(questions: Sequence[Question], places: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        from pipelines.training_set import KEYS, with_features

        rows = with_features(_rows(items, questions, places), SERVICE)
        names = [name for name in rows.column_names if name not in KEYS]
        found = matrix(rows, names)
        return {name: found[:, place] for place, name in enumerate(names)}

    return columns


def _rows(items: Items, questions: Sequence[Question], places: Sequence[np.ndarray]) -> pa.Table:
    """A row a candidate, in the order of questions and of the places of each."""
    counts = [len(found) for found in places]
    instants = np.array([question.moment.now_us - 1 for question in questions], np.int64)
    number = pa.array(np.repeat(np.arange(len(questions)), counts))
    users = pa.array([question.viewer.user_id for question in questions], pa.string())
    surfaces = pa.array([question.viewer.surface for question in questions], pa.string())
    together = np.concatenate([*places, np.zeros(0, np.int64)])
    return pa.table({
        "qid": number, "label": pa.array(np.zeros(len(number), np.int8)), "user_id": users.take(number),
        "item_id": items.table["item_id"].combine_chunks().take(pa.array(together)),
        "request_time": pa.array(instants).take(number), "surface": surfaces.take(number),
    })  # fmt: skip
