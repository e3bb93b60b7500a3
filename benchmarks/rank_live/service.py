"""The service that is measured: reads the features of a request's items, scores them, answers a score for each.

BENCH_FOLDER=... BENCH_PORT=... bentoml serve benchmarks.rank_live.service:LiveRanking
"""

import os
from pathlib import Path

import bentoml
from pydantic_core import to_json
from starlette.responses import Response

ROUTE = "/rank"


@bentoml.service(workers=1)
class LiveRanking:
    """Scores live items for a user."""

    def __init__(self) -> None:
        from benchmarks.rank import model
        from benchmarks.rank_live import views
        from benchmarks.stores import feature_store
        from streamrank.stores.reader import OnlineReader

        folder = Path(os.environ["BENCH_FOLDER"])
        store = feature_store("ours", folder, int(os.environ["BENCH_PORT"]))
        self.model, self.reader = model.load(folder), OnlineReader(store, views.SERVICE)

    @bentoml.api(route=ROUTE)
    def rank(self, user_id: int, item_ids: list[int]) -> list[float]:
        """A score for each item, in the order given."""
        from streamrank import clock

        now = clock.now_us()
        read = self.reader.read({"user_id": user_id, "item_id": item_ids}, {"request_time": now}, now)
        scores = self.model.inplace_predict(read.matrix, validate_features=False).tolist()
        return Response(to_json(scores), media_type="application/json")  # as the recommender answers
