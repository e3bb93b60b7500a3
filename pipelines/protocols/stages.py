"""Our lists: what retrieval finds, and each source alone."""

from collections.abc import Iterable

import numpy as np

from models.retrieval.merging import merged
from models.retrieval.side_by_side import ask
from models.retrieval.sources import Fitted
from pipelines.protocols.answers import DEPTH, Question, empty, put

RETRIEVAL, RANKER, RERANK = "retrieval", "+ ranker", "+ re-rank"


def retrieved(sources: Fitted, questions: Iterable[Question], asked: int) -> dict[str, np.ndarray]:
    """Name -> lists, int32 [asked, DEPTH]: the merged candidates, and "<source> alone"."""
    names = sources.names
    lists = {RETRIEVAL: empty(asked)} | {f"{name} alone": empty(asked) for name in names}
    for question in questions:
        found = ask(sources.sources, question.viewer, question.moment, question.allowed, DEPTH).found
        put(lists[RETRIEVAL], question.number, merged(found, names, DEPTH).places)
        for name, one in found.items():
            put(lists[f"{name} alone"], question.number, one.places)
    return lists
