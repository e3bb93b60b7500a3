"""All figures of a protocol's answers: of every scorer and stage, and of parts of the questions apart."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from pipelines.protocols.answers import Answers
from pipelines.protocols.measured import Measuring
from pipelines.protocols.ours import RANKER, STAGES

HISTORIES = (0, 1, 5, 20, 50, 100, 200)  # acts of a user that were known, where parts begin


def figures(measuring: Measuring, answers: Answers, repeats: bool) -> dict[str, Any]:
    """metrics: "ours", which is the ranker's order, and all that it must beat. stages. Then what stands apart: cold and
    known users and items, and where `repeats` count, what was wanted again and what for the first time."""
    named = {name: name for name, lists in answers.lists.items() if name not in STAGES and (lists >= 0).any()}
    scorers = {"ours": RANKER} | named
    return {
        "metrics": measuring.figures(answers, scorers),
        "stages": measuring.figures(answers, {name: name for name in STAGES}),
        **{name: _part(measuring, answers, part, scorers) for name, part in _parts(answers, repeats).items()},
        "by history": _by_history(measuring, answers, scorers),
    }


def ablated(measuring: Measuring, answers: Answers) -> dict[str, Any]:
    """The measures of lists by what was left out of them; nothing where there are none."""
    names = {name: name for name in answers.lists}
    return {"ablations": measuring.figures(answers, names)} if names else {}


def _parts(answers: Answers, repeats: bool) -> dict[str, np.ndarray]:
    """Name -> what is counted there, bool [wanted]."""
    cold = answers.cold_user[answers.asked.owner]
    parts = {
        "cold users": cold, "known users": ~cold, "cold items": answers.cold_item, "known items": ~answers.cold_item,
    }  # fmt: skip
    return parts | ({"repeats only": answers.seen, "new items only": ~answers.seen} if repeats else {})


def _part(measuring: Measuring, answers: Answers, wanted: np.ndarray, scorers: Mapping[str, str]) -> dict[str, Any]:
    owners = answers.asked.owner[wanted]
    counts = {"questions": len(np.unique(owners)), "wanted": int(wanted.sum())}
    return counts | ({"metrics": measuring.part(answers, wanted, scorers)} if wanted.any() else {})


def _by_history(measuring: Measuring, answers: Answers, scorers: Mapping[str, str]) -> list[dict[str, Any]]:
    """The measures of questions by how many acts of the user were known."""
    owner, parts = answers.asked.owner, []
    for least, most in pairwise((*HISTORIES, np.inf)):
        chosen = (answers.known >= least) & (answers.known < most)
        if chosen.any():
            ends = f"{least}+" if most == np.inf else f"{least} to {most - 1}" if most > least + 1 else f"{least}"
            parts.append({"acts": ends} | _part(measuring, answers, chosen[owner], scorers))
    return parts
