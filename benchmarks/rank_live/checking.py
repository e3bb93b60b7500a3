"""Whether what the ranker is given is what Feast's own read gives, and whether the windows are filled."""

from pathlib import Path

import numpy as np

from benchmarks.agreement import same
from benchmarks.online import world
from benchmarks.rank_live import views
from streamrank import clock


def filled(folder: str, port: int) -> dict:
    """Whether every windowed view has a generation to read."""
    from streamrank.stores.packing.keys import pointer_key
    from streamrank.windows.spec import windowed_views

    store, connection = _opened(folder, port)
    import pyarrow as pa

    pointers = [pointer_key(store.project, view.name, view.fingerprint) for view in windowed_views(store)]
    return {"filled": not connection.fetch(pa.array(pointers, pa.large_binary())).null_count}


def agree(folder: str, port: int) -> dict:
    """Whether the reader and `get_online_features` agree on requests of one instant, and on how many values."""
    from streamrank.stores.reader import OnlineReader

    store, _ = _opened(folder, port)
    asked, values, equal = world.requests(Path(folder)), 0, True
    reader = OnlineReader(store, views.SERVICE)
    with clock.use(clock.VirtualClock(clock.now_us())):
        request = {"request_time": clock.now_us()}
        for i in range(2):
            keys = asked.keys(i, {"user_id", "item_id"})
            read = reader.read(keys, request)
            named = _through_feast(store, asked.keys(i, {"user_id", "item_id", "creator_id"}) | request)
            other = np.stack([np.array(named[name], np.float32) for name in read.names], axis=1)
            values, equal = values + read.matrix.size, equal and same(read.matrix, other)
    return {"agree": equal, "values": values}


def _through_feast(store, keys: dict) -> dict:
    rows = len(keys["item_id"])
    columns = {name: [value] * rows if isinstance(value, int) else value.tolist() for name, value in keys.items()}
    return store.get_online_features(store.get_feature_service(views.SERVICE), columns).to_dict()


def _opened(folder: str, port: int):
    from benchmarks.stores import feature_store

    store = feature_store("ours", Path(folder), port)
    return store, store._get_provider().online_store.connection(store.config)
