"""The service that is measured, the same for every side but for how it reads features.

BENCH_SIDE=ours|stock|limit BENCH_FOLDER=... BENCH_PORT=... bentoml serve benchmarks.rank.service:Ranking
"""

import os
from pathlib import Path

import bentoml

ROUTE = "/rank"


@bentoml.service(workers=1)
class Ranking:
    """Scores items for a user."""

    def __init__(self) -> None:
        from benchmarks.online import world
        from benchmarks.rank import matrices, model

        folder = Path(os.environ["BENCH_FOLDER"])
        self.model, self.creator_of = model.load(folder), world.creator_of(folder)
        self.matrix = matrices.SIDES[os.environ["BENCH_SIDE"]](folder, int(os.environ["BENCH_PORT"]))

    @bentoml.api(route=ROUTE)
    async def rank(self, user_id: int, item_ids: list[int]) -> list[float]:
        """A score for each item, in the order given."""
        import numpy as np

        items = np.array(item_ids)
        matrix = await self.matrix({"user_id": user_id, "item_id": items, "creator_id": self.creator_of[items]})
        return self.model.inplace_predict(matrix).tolist()
