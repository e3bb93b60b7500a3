"""What sources say of the requests of a test part: each is asked of sources that were fitted to what was before it.

Where each user has a test part of their own, the training parts of others reach far beyond a user's last days: sources
fitted to all of them would know what everybody came to watch later. On ML-100K that is worth 0.01 of nDCG@10.
"""

import numpy as np
import pyarrow as pa

from catalog.dataset import DataSet
from models.interactions import Interactions
from models.recommender import Recommender
from models.retrieval.merging import SOURCE_FEATURES
from pipelines.epochs import LARGE, Epoch, epochs, fits
from pipelines.retrieval import World, columns_of, source_columns

OFTEN = 8  # fits, where they do not cost minutes
FIRST = 0.02  # share of the acts before the first fit; whoever asked before that cannot be answered


def asked_from(data: DataSet, acts: Interactions) -> int | None:
    """us: the first fit, before which no source can be asked; None where the sources of the training part are."""
    if data.manifest().split_at is not None:
        return None
    chain = _chain(acts)
    return chain[0].begins if chain else None


def columns_as_known(rows: pa.Table, made: Recommender, data: DataSet, world: World) -> np.ndarray:
    """float32 [rows, SOURCE_FEATURES(made.names)]: as `columns_of`, which it is where the data set is split at one
    instant. world: of all acts, with the items of `made`."""
    if data.manifest().split_at is not None:
        return columns_of(rows, made, world)
    times = rows["request_time"].to_numpy()
    columns = np.full((rows.num_rows, len(SOURCE_FEATURES(made.names))), np.nan, np.float32)
    chain = _chain(world.acts)
    for epoch, fitted in zip(chain, fits(world.acts, world.items, chain, made.sources.names), strict=True):
        own = np.flatnonzero((times >= epoch.begins) & (times < epoch.ends))
        columns[own] = source_columns(rows.take(pa.array(own)), fitted, made.names, world)
    return columns


def _chain(acts: Interactions) -> list[Epoch]:
    return epochs(acts, FIRST, OFTEN if len(acts) < LARGE else None)
