"""For somebody of whom nothing is known but topics, items of these topics come first, in the ranker's order.

A ranker learns what follows acts. Where nobody in what it learned from stated topics, it cannot know what they are
worth, and a newcomer who names some would get what is popular. So it is done by rule, as the topics heuristic of Amp
does it; who has acted on anything, or picked items, is ranked by these.
"""

from dataclasses import dataclass, replace

import numpy as np

from models.rerank.step import Context, Ranked
from models.rerank.words import moves


@dataclass(frozen=True)
class Stated:
    """Lifts what has one of the viewer's topics above all that has none."""

    name: str = "stated"

    def lacks(self, context: Context) -> str | None:
        viewer = context.viewer
        if len(viewer.items) or len(viewer.picked) or viewer.vector is not None:
            return "what the viewer did or picked says more than topics"
        if not viewer.topics:
            return "the viewer stated no topics"
        return None if context.items.known("topics") else "no item has topics"

    def apply(self, ranked: Ranked, context: Context) -> Ranked:
        codes, names = context.items.topics
        wanted = [code for code, name in enumerate(names) if name in context.viewer.topics]
        fits = np.isin(codes[ranked.places], wanted).any(axis=1)
        if not fits.any() or fits.all():
            return ranked
        values = ranked.values
        lift = fits * (np.ptp(values) * 1.01 or 1.0)
        lifted = replace(ranked, boost=lift if ranked.boost is None else ranked.boost + lift)
        order = np.argsort(-lifted.values, kind="stable")
        said = moves(ranked, order, context.k, {}, "of a topic you named", "others are of a topic you named")
        return lifted.reordered(order, said)
