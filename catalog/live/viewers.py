"""Who is watching: open sessions as columns, and what a viewer of an item is called in Redis."""

import pyarrow as pa
import pyarrow.compute as pc

from catalog.live.records import whole
from catalog.schema import TOPICS

# shard: of the viewer's signs. started_e, started_p: event time and position of the one that began the session.
# seen_a: arrival of the last. seen_e: the latest event time of any. In us. The rest is as the first sign brought it.
VIEWERS = pa.schema(
    [(name, pa.int64()) for name in ("shard", "started_e", "started_p", "seen_a", "seen_e")]
    + [(name, pa.string()) for name in ("user_id", "item_id", "creator_id", "request_id")]
    + [(name, pa.string()) for name in ("device", "surface", "location")]
    + [("topics", TOPICS)]
)


def names_of(user_ids: pa.Array, item_ids: pa.Array) -> pa.LargeBinaryArray:
    """The name of each viewer of an item; all viewers of one item share its `item_prefix`."""
    lengths = pc.binary_length(item_ids).cast(pa.string())
    return whole(pc.binary_join_element_wise(lengths, ":", item_ids, user_ids, "")).cast(pa.large_binary())


def item_prefix(item_id: str) -> bytes:
    """What the names of all viewers of an item start with, and no other's."""
    encoded = item_id.encode()
    return b"%d:%b" % (len(encoded), encoded)
