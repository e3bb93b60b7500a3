"""All sources asked about one viewer: within a time budget online, one after another offline.

A source that fails or is late is left out, told with its reason, and the others answer.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from models.retrieval.lanes import Lanes
from models.retrieval.source import Found, Source
from models.viewer import Moment, Viewer

BUDGET_SECONDS = 0.05

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """found: by source name. left_out: why a source has no part in it. seconds: how long each that answered took."""

    found: dict[str, Found]
    left_out: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def ask(
    sources: Sequence[Source],
    viewer: Viewer,
    moment: Moment,
    allowed: np.ndarray,
    most: int = 200,
    budget_seconds: float = BUDGET_SECONDS,
    pool: Lanes | None = None,
) -> Answer:
    """What each source proposes, at most `most` items of the `allowed`, bool [items].

    pool: where they run, each late one by itself; all must have answered `budget_seconds` from now. None: one after
    another, all the time they need. The same sources give the same scores in both.
    """
    question = (viewer, moment, allowed, most)
    if pool is None:
        return _gathered({source.name: _tried(source, question) for source in sources})
    told = pool.ask(sources, lambda source: _tried(source, question), budget_seconds)
    late = f"late: no answer within {budget_seconds * 1e3:g} ms", budget_seconds
    return _gathered({source.name: told.get(source.name, late) for source in sources})


def _tried(source: Source, question: tuple) -> tuple[Found | str, float]:
    """What the source found, or why it found nothing; and the seconds it took."""
    begin = time.perf_counter()
    try:
        found: Found | str = source.find(*question)
    except Exception as error:  # whatever a source does wrong, the others answer
        log.warning("source %s failed and is left out", source.name, exc_info=True)
        found = f"failed: {type(error).__name__}: {error}"
    return found, time.perf_counter() - begin


def _gathered(told: dict[str, tuple[Found | str, float]]) -> Answer:
    answered = {name: found for name, (found, _) in told.items() if isinstance(found, Found)}
    left_out = {name: found for name, (found, _) in told.items() if isinstance(found, str)}
    return Answer(answered, left_out, {name: told[name][1] for name in answered})
