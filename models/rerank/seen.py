"""Seen items leave the list, where what was seen does not return (a film that was watched, not a channel)."""

from dataclasses import dataclass

import numpy as np

from models.rerank.leaving import without
from models.rerank.step import Context, Ranked


@dataclass(frozen=True)
class Seen:
    """Leaves out what the viewer acted on or picked."""

    name: str = "seen"

    def lacks(self, context: Context) -> str | None:
        return None

    def apply(self, ranked: Ranked, context: Context) -> Ranked:
        viewer = context.viewer
        return without(ranked, np.concatenate([viewer.items, viewer.picked]), "seen already", context)
