"""At most so many items of one topic and of one creator among those shown.

Slots are filled from the top, each with the best item that keeps within the limits. When no such item is left, the best
of the others fill the slots that remain: a short list helps nobody.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from models.rerank.step import Context, Ranked
from models.rerank.words import moves


@dataclass(frozen=True)
class Diversity:
    """per_topic, per_creator: the most of each among those shown, None for no limit. A topic is an item's first one."""

    per_topic: int | None
    per_creator: int | None
    name: str = "diversity"

    def lacks(self, context: Context) -> str | None:
        limited = {"topics": self.per_topic, "creator_id": self.per_creator}
        if any(most is not None and context.items.known(column) for column, most in limited.items()):
            return None
        return "no item has a topic or a creator"

    def apply(self, ranked: Ranked, context: Context) -> Ranked:
        topics, topic_names = context.items.topics
        creators, creator_names = context.items.creators
        limits = [
            ("topic", topics[ranked.places, 0], topic_names, self.per_topic),
            ("creator", creators[ranked.places], creator_names, self.per_creator),
        ]
        order, why = _within([limit for limit in limits if limit[3] is not None], len(ranked), context.k)
        return ranked.reordered(order, moves(ranked, order, context.k, why, "brings variety", "made room"))


def _within(limits: list[tuple], rows: int, k: int) -> tuple[np.ndarray, dict[int, str]]:
    """The new order, int64 [rows], and why each position was passed over."""
    open_to, chosen, why = np.ones(rows, bool), [], {}
    counts = [Counter() for _ in limits]
    while len(chosen) < min(k, rows) and open_to[best := int(open_to.argmax())]:
        chosen.append(best)
        open_to[best] = False
        for (what, codes, names, most), count in zip(limits, counts, strict=True):
            code = int(codes[best])
            count[code] += 1
            if code >= 0 and count[code] == most:
                closed = np.flatnonzero(open_to & (codes == code))
                open_to[closed] = False
                why |= dict.fromkeys(closed.tolist(), f"already {most} of {what} {names[code]}")
    others = np.ones(rows, bool)
    others[chosen] = False
    return np.concatenate([np.array(chosen, np.int64), np.flatnonzero(others)]), why
