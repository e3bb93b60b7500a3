"""Small catalogues and lists to re-rank."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from catalog.schema import ITEMS
from models.items import Items
from models.rerank.step import Context, Ranked
from models.viewer import Moment, Viewer

NOW = 1_700_000_000_000_000
DAY = 86_400_000_000


def items(topics: Sequence[Sequence[str] | None], creators: Sequence[str | None] | None = None) -> Items:
    """A catalogue of as many items as there are `topics`, called "0", "1" and so on."""
    columns = {field.name: pa.nulls(len(topics), field.type) for field in ITEMS}
    columns |= {
        "item_id": pa.array([str(place) for place in range(len(topics))]),
        "topics": pa.array(topics, pa.list_(pa.string())),
        "creator_id": pa.array(creators or [None] * len(topics), pa.string()),
    }
    return Items(pa.table(columns))


def context(catalogue: Items, k: int, viewer: Viewer = Viewer(), ages: Sequence[float] | None = None) -> Context:
    """A request now. ages: days since each item began; nobody knows without them."""
    rows = len(catalogue)
    begins = np.full(rows, np.iinfo(np.int64).min)
    if ages is not None:
        begins = NOW - (np.asarray(ages) * DAY).astype(np.int64)
    moment = Moment(NOW, np.ones(rows, bool), begins, np.zeros(rows, np.float32), np.full(rows, np.nan, np.float32))
    return Context(viewer, moment, catalogue, k, seed=1)


def in_order(rows: int) -> Ranked:
    """Places 0, 1, ... with falling scores."""
    return Ranked.of(np.arange(rows), -np.arange(rows, dtype=float))


def seeded(asked: Context, seed: int) -> Context:
    return replace(asked, seed=seed)
