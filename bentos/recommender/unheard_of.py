"""Given candidates of which nobody knows anything: an answer names them, in place of ranking what does not exist."""

from collections.abc import Sequence

import numpy as np

from bentos.recommender.catalogue import UNKNOWN, Catalogue
from streamrank.events.shards import NEVER
from streamrank.stores.reader import NOT_FOUND, OnlineRead

TOLD_BY = ("item_attributes", "item_daily")
COUNTED_BY = "item_live"
"""Views that have something of every item of which anything is known: of rows, and of windows."""


def unheard_of(item_ids: Sequence[str], catalogue: Catalogue, read: OnlineRead | None = None) -> tuple[str, ...]:
    """Of these items those that the catalogue does not have, and of which no feature was read either.

    read: the features [items], where they were read: an item that came since the model was promoted may have some.
    """
    places = np.flatnonzero(catalogue.places_of(item_ids) == UNKNOWN)
    if len(places) and read is not None:
        places = places[~_anything(read.at(places))]
    return tuple(item_ids[place] for place in places.tolist())


def _anything(read: OnlineRead) -> np.ndarray:
    """bool [items]: whether the online store holds anything of the item itself."""
    found = np.zeros(len(read.matrix), bool)
    for view in TOLD_BY:
        if view in read.rows:
            found |= read.rows[view].status != NOT_FOUND
    if COUNTED_BY in read.windows:
        found |= (read.windows[COUNTED_BY] != NEVER).any(axis=1)
    return found
