"""Catalogues of a few items, with sources that propose nothing."""

import pyarrow as pa

from bentos.recommender.catalogue import Catalogue, catalogue_of
from catalog.schema import ITEMS
from models.items import Items
from models.retrieval.sources import Fitted


def catalogue(*items: dict, popularity: tuple[float | None, ...] | None = None) -> Catalogue:
    """items: columns of `catalog.schema.ITEMS`; those that are left out are null."""
    table = pa.Table.from_pylist(list(items), schema=ITEMS)
    known = None if popularity is None else pa.array(popularity, pa.float64())
    return catalogue_of(Items(table), Fitted(()), known)
