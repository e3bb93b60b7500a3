"""The rows that a ranker learns from where no impressions are logged: the candidates it will be asked to order.

Drawn at random, negatives would be told apart by what every source knows; those that sources propose are the ones that
the ranker has to tell apart when it serves.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.retrieval.merging import SOURCE_FEATURES, Candidates, merged
from models.retrieval.sources import Fitted
from pipelines.retrieval import FOUND, World, answers

NEGATIVES = 60  # of a question, drawn evenly: drawn by rank, a low rank would itself speak for an item
SEED = 7


def candidate_rows(
    asked: pa.Table, wanted: pa.Table, fitted: Fitted, names: list[str], world: World
) -> tuple[pa.Table, np.ndarray]:
    """(rows, how many answers each source proposed, int64 [names]).

    The rows: qid, label, user_id, item_id, request_time, surface, known_at, weight, then SOURCE_FEATURES(names), by
    qid. asked, wanted: `questions`. Questions none of whose answers, or nothing but answers, was proposed are left out.
    A negative is known when the answers are.
    """
    answers_of = _by_question(asked, wanted, world)
    parts, places, labels, counts, proposed = [], [], [], [], np.zeros(len(names), np.int64)
    for (_, answer), own in zip(answers(asked, fitted, world), answers_of, strict=True):
        found = merged(answer.found, names, FOUND)
        proposed += found.found_by[np.isin(found.places, own)].sum(axis=0)
        chosen, label = _chosen(found, own, len(counts))
        parts.append(found.features[chosen])
        places.append(found.places[chosen])
        labels.append(label)
        counts.append(len(chosen))
    rows = asked.append_column("known_at", _known(asked, wanted)).take(
        pa.array(np.repeat(np.arange(len(counts)), counts))
    )
    table = {
        "qid": rows["qid"], "label": pa.array(np.concatenate([*labels, np.zeros(0)]).astype(np.int8)),
        "user_id": rows["user_id"],
        "item_id": pa.array(world.items.ids[np.concatenate([*places, np.zeros(0, np.int64)])], pa.string()),
        "request_time": rows["request_time"], "surface": rows["surface"], "known_at": rows["known_at"],
        "weight": pa.array(np.repeat(_weights(labels), counts), pa.float32()),
    }  # fmt: skip
    width = len(SOURCE_FEATURES(names))
    matrix = np.concatenate([*parts, np.zeros((0, width), np.float32)])
    columns = {name: pa.array(matrix[:, place]) for place, name in enumerate(SOURCE_FEATURES(names))}
    return pa.table(table | columns), proposed


def _by_question(asked: pa.Table, wanted: pa.Table, world: World) -> list[np.ndarray]:
    """Places of each question's answers, in the order of `asked`."""
    places, owners = world.places_of(wanted["item_id"]), wanted["qid"].to_numpy()
    bounds = [np.searchsorted(owners, asked["qid"].to_numpy(), side) for side in ("left", "right")]
    return [places[first:last] for first, last in zip(*bounds, strict=True)]


def _known(asked: pa.Table, wanted: pa.Table) -> pa.Array:
    """When all answers of each question were known, us."""
    known = wanted.group_by("qid").aggregate([("known_at", "max")])
    own = pc.index_in(asked["qid"].combine_chunks(), known["qid"].combine_chunks())
    return known["known_at_max"].take(own).combine_chunks()


def _weights(labels: list[np.ndarray]) -> np.ndarray:
    """Of the rows of each question: somebody who wants a hundred things in a day would else count as a hundred who come
    back for one, and it is by request that lists are judged."""
    return np.array([max(label.sum(), 1) for label in labels], np.float64) ** -0.5


def _chosen(found: Candidates, answers: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(rows of the candidates that are learned from, their labels); none where they hold no answer or nothing else."""
    label = np.isin(found.places, answers)
    if not label.any() or label.all():
        return np.zeros(0, np.int64), np.zeros(0)
    negatives = np.random.default_rng([SEED, seed]).permutation(np.flatnonzero(~label))[:NEGATIVES]
    chosen = np.sort(np.concatenate([np.flatnonzero(label), negatives]))
    return chosen, label[chosen]
