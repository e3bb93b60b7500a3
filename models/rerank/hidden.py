"""Items that a user has hidden leave the list, always."""

from dataclasses import dataclass

from models.rerank.leaving import without
from models.rerank.step import Context, Ranked


@dataclass(frozen=True)
class Hidden:
    """Leaves out what the viewer does not want to see."""

    name: str = "hidden"

    def lacks(self, context: Context) -> str | None:
        return None

    def apply(self, ranked: Ranked, context: Context) -> Ranked:
        return without(ranked, context.viewer.hidden, "you have hidden it", context)
