"""Learning of a recommender from acts alone: stacked out of fold.

A source that is fitted to the very acts whose scores a ranker learns from teaches it to trust that source too much
(Wolpert 1992, stacked generalization; measured on ML-100K: naively stacked trees .454, one source alone .479). So for
each fold, sources are fitted without it and asked for it, viewer by viewer, as they will be when they serve; the ranker
learns from their answers, what is kept is chosen on the last of them, and the sources are fitted again to all.
"""

from collections.abc import Callable, Sequence
from typing import Any

from models.fitting import held_out
from models.interactions import Interactions
from models.items import Items
from models.learning.examples import joined, questions, rows_of
from models.learning.hard import hard
from models.learning.holdouts import Holdout, LaterHoldout
from models.learning.learned import Learned
from models.learning.question import Extra, Moments, Past
from models.learning.single import best_alone, column, measured_alone, model_alone
from models.learning.varying import varying
from models.ranker import Ranker
from models.rankers import kinds
from models.rankers.examples import Examples
from models.rankers.measures import LISTS, worth
from models.retrieval.merging import SOURCE_FEATURES
from models.retrieval.sources import fit_all

KINDS = ("pair", "choice", "lambdamart")  # the sum of the others first: it errs least where they differ by chance
LEAD = 0.005  # by as much kinds differ on some hundred questions where none is better
FEWEST = 50  # questions with a right candidate below which nothing is learned
BY_CHANCE = 0.01  # the best of many sources leads by as much on some hundred questions where none is better


def learn(
    acts: Interactions,
    items: Items,
    holdout: Holdout,
    extra: Extra | None = None,
    *,
    names: Sequence[str] | None = None,
    rankers: Sequence[str] = KINDS,
    moments: Moments | None = None,
    seen_leaves: bool = True,
    report: Callable[[str], None] = lambda step: None,
) -> Learned:
    """acts: all that may be learned from. extra: columns beside those of the sources, as of each question.

    names: of the sources that are tried, all where None. rankers: kinds that are tried. moments: what held when, by the
    acts that are known; by acts and the items' times where None. seen_leaves: whether what a viewer acted on is not
    wanted again. Where there is too little to learn from, or a source leads by more than chance, the ranker is
    the score of the best source alone.
    """
    moments = moments or (lambda known: Past(known, items))
    report("fit the sources to all acts")
    fitted = fit_all(acts, items, names)
    examples, told = _out_of_fold(acts, items, holdout, extra, fitted.names, moments, seen_leaves, report)
    report("fit the ranker")
    ranker, chosen = _ranker(hard(examples), fitted.names, rankers)
    told |= {"sources": fitted.names, "aside": fitted.aside}
    return Learned(fitted, ranker, list(ranker.features), extra, told | chosen, examples)


def _out_of_fold(
    acts: Interactions, items: Items, holdout: Holdout, extra: Extra | None, names: list[str],
    moments: Moments, seen_leaves: bool, report: Callable[[str], None],
) -> tuple[Examples, dict[str, Any]]:  # fmt: skip
    """(examples of all folds, what to tell of them). A source that cannot be fitted to a fold says nothing there."""
    parts, first = [], 0
    for number, fold in enumerate(holdout.folds(acts)):
        report(f"fold {number + 1}: fit and ask {len(fold):,} questions")
        fitted = fit_all(fold.fit, items, names)
        asked = questions(fold, items, moments, seen_leaves, first)
        parts.append(rows_of(asked, fitted, names, isinstance(holdout, LaterHoldout), extra))
        first += len(fold)
    if not parts:
        raise ValueError("holdout: expected acts at different times to hold out, found none; use another holdout")
    proposed, wanted = sum(part.proposed for part in parts), sum(part.wanted for part in parts)
    told = {"folds": len(parts), "questions": first, "wanted": wanted, "proposed": proposed}
    return varying(joined([part.examples for part in parts]), SOURCE_FEATURES(names)), told


def _ranker(examples: Examples, sources: list[str], names: Sequence[str]) -> tuple[Ranker, dict[str, Any]]:
    """The kind that orders the later slice best, unless a source alone does better by more than chance."""
    late = held_out(examples.times, kinds.CHOSEN_ON)
    alone = measured_alone(examples.only(late) if late.any() else examples, sources)
    told: dict[str, Any] = {"sources alone": alone, "by": list(LISTS)}
    if len(set(examples.groups[~late].tolist())) < FEWEST or not late.any():
        return _alone(alone, examples, told | {"why": f"fewer than {FEWEST} questions to learn from"})
    found = kinds.choose(examples, names, LISTS, lead=LEAD)
    told |= {"kinds": found.tried, "kinds aside": found.aside}
    tried = found.tried.get(found.kind)  # nothing is tried where there is one kind to choose from
    if tried and worth(tried, LISTS) + BY_CHANCE <= worth(alone[best_alone(alone)], LISTS):
        return _alone(alone, examples, told | {"why": "nothing learned orders the later slice better"})
    about = {"kind": found.kind, "kept": "all sources", "why": "orders the later slice best"}
    return Ranker(found.model, list(examples.features), {}, found.kind), told | about


def _alone(alone: dict[str, dict], examples: Examples, told: dict[str, Any]) -> tuple[Ranker, dict[str, Any]]:
    name = best_alone(alone)
    features = column(examples, name).features
    return Ranker(model_alone(), list(features), {}, "logistic"), told | {"kept": f"{name} alone", "kind": "logistic"}
