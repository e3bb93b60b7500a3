"""What is kept of a training set's columns and kinds of rankers: what does best on its later slice.

Tried are the usual kinds on all columns, the best of them on the columns of sources alone and of features alone, and
the score of each source as it is. Too few answers to learn from leave the best source's score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.fitting import held_out
from models.matrix import matrix
from models.rankers import kinds
from models.rankers.examples import Examples
from models.rankers.logistic import Logistic
from models.rankers.measures import AREAS, LISTS, measured, worth
from models.rankers.model import Model
from pipelines.telling import telling
from pipelines.training_set import TrainingSet

FEWEST = 50  # positives in the earlier part below which nothing is learned
BY_CHANCE = 0.02  # the best of so many sources leads by as much on a small slice where none is better
TRIALS = 3
EVERYTHING = "sources and features"
STEADY = "features that do not follow the user's own acts"
FOLLOWING = (
    "ut_", "uc_", "user_topic_", "user_creator_", "user_impressions_", "user_active_days_", "topic_overlap",
)  # fmt: skip
"""What moves with each of a user's acts, where levels hold still: who has just clicked looks eager, and what is shown
next looks better than all before (see `user_levels`)."""
OF_QUESTIONS = {"click": {"weighted": True}}  # by how many answers a question has: see `candidate_rows`


@dataclass(frozen=True)
class Choice:
    """model: of `kind`, fit on all rows. features: its columns. told: what was tried and kept, as JSON."""

    model: Model
    kind: str
    features: list[str]
    told: dict[str, Any]


def choose(rows: pa.Table, about: TrainingSet, names: Sequence[str] = (), trials: int = TRIALS) -> Choice:
    """names: of the kinds that are tried, the usual ones where none are named. trials: of other parameters, for each
    kind that has a search."""
    about = _telling(rows, about)
    names = names or (kinds.OF_SHOWN if about.shown else kinds.USUAL)
    examples, counted = examples_of(rows, about.features), AREAS if about.shown else LISTS
    alone = _alone(examples, about, counted)
    if _too_few(examples):
        return _source_alone(alone, examples, {"why": f"fewer than {FEWEST} positives to learn from"})
    found = kinds.choose(examples, names, counted, {} if about.shown else OF_QUESTIONS, trials)
    told = {"kinds": found.tried, "kinds aside": found.aside, "by": list(counted), "sources alone": alone}
    told |= {"parameters": found.parameters, "trials": found.trials}
    sets = _sets(about)
    tried = _tried(examples, sets, found, counted) if len(sets) > 1 else {}
    kept = max(tried, key=lambda name: worth(tried[name], counted)) if tried else next(iter(sets))
    told |= {"columns": tried, "kind": found.kind, "kept": kept}
    best = max((worth(each, counted) for each in alone.values()), default=-np.inf)
    if tried and best > worth(tried[kept], counted) + BY_CHANCE:
        return _source_alone(alone, examples, told | {"why": "no ranker orders the later slice better"})
    part = _only(examples, sets[kept])
    model = found.model if kept == EVERYTHING else kinds.fit(found.kind, part, found.parameters)
    return _with_fewest(Choice(model, found.kind, sets[kept], told), part, found.parameters)


def _with_fewest(choice: Choice, examples: Examples, parameters: Mapping[str, Any]) -> Choice:
    """The same kind on the columns that tell; the choice as it is where none can be spared."""
    columns = telling(choice.model, examples)
    told = choice.told | {"taken": len(columns), "spared": len(choice.features) - len(columns)}
    if len(columns) == len(choice.features):
        return replace(choice, told=told)
    return Choice(kinds.fit(choice.kind, _only(examples, columns), parameters), choice.kind, columns, told)


def examples_of(rows: pa.Table, features: list[str]) -> Examples:
    """The rows of a training set as a ranker takes them."""
    columns = {name: rows[name].to_numpy() if name in rows.column_names else None for name in ("weight", "slot")}
    return Examples(
        matrix(rows, features), rows["label"].to_numpy(), rows["qid"].to_numpy(), rows["request_time"].to_numpy(),
        weights=columns["weight"], positions=columns["slot"], features=features,
        users=rows["user_id"].combine_chunks().dictionary_encode().indices.to_numpy(),
    )  # fmt: skip


def _telling(rows: pa.Table, about: TrainingSet) -> TrainingSet:
    """Without the features that are the same in all rows: at each request they would be paid for, and say nothing."""
    same = [name for name in about.features if name not in about.source_features and _is_same(rows[name])]
    return replace(about, features=[name for name in about.features if name not in same])


def _is_same(column: pa.ChunkedArray) -> bool:
    ends = pc.min_max(column)
    return column.null_count == len(column) or (not column.null_count and ends["min"] == ends["max"])


def _too_few(examples: Examples) -> bool:
    late = held_out(examples.times, kinds.CHOSEN_ON)
    return not late.any() or examples.labels[~late].sum() < FEWEST


def _sets(about: TrainingSet) -> dict[str, list[str]]:
    plain = [name for name in about.features if name not in about.source_features]
    sets = {EVERYTHING: about.features, "features": plain, "sources": about.source_features}
    if about.shown:
        sets[STEADY] = [name for name in plain if not name.startswith(FOLLOWING)]
    return {name: columns for name, columns in sets.items() if columns}


def _tried(
    examples: Examples, sets: dict[str, list[str]], found: kinds.Chosen, counted: tuple[str, ...]
) -> dict[str, dict]:
    """Set -> the measures on the later slice of the kind that was found when fit on the rest."""
    late = held_out(examples.times, kinds.CHOSEN_ON)
    parts = {name: _only(examples, columns) for name, columns in sets.items()}
    models = {name: kinds.fit(found.kind, part.only(~late), found.parameters) for name, part in parts.items()}
    return {
        name: measured(part.only(late), models[name].score(part.matrix[late])) for name, part in parts.items()
    }  # fmt: skip


def _alone(examples: Examples, about: TrainingSet, counted: tuple[str, ...]) -> dict[str, dict]:
    """Source -> the measures of its own score on the later slice."""
    late = held_out(examples.times, kinds.CHOSEN_ON)
    later = examples.only(late) if late.any() else examples
    return {
        name: measured(later, _score(name).score(_only(later, [f"{name}_score"]).matrix)) for name in about.sources
    }  # fmt: skip


def _source_alone(alone: dict[str, dict], examples: Examples, told: dict[str, Any]) -> Choice:
    if not alone:
        raise ValueError("expected at least one source of candidates, found none; load more acts")
    best = max(alone, key=lambda name: np.nan_to_num(alone[name]["ndcg@10"]))
    return Choice(_score(best), "logistic", [f"{best}_score"], told | {"kept": f"{best} alone", "sources alone": alone})


def _score(name: str) -> Logistic:
    """A model whose order is that of one source's score; what it does not know comes last."""
    one = np.ones(1)
    return Logistic(0 * one, one, one, -100 * one, np.zeros(()))


def _only(examples: Examples, columns: list[str]) -> Examples:
    places = [list(examples.features).index(name) for name in columns]
    return replace(examples, matrix=examples.matrix[:, places], features=columns)
