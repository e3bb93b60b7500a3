"""Starting a data set over: nothing is left of what was loaded into it, streamed into it or made of it."""

import shutil

from catalog.bus import open_bus, project_of
from catalog.dataset import DataSet
from catalog.errors import InputError
from catalog.live.keys import live_prefix
from streamrank import embedded
from streamrank.events.redis_streams.keys import project_key
from streamrank.stores.packing.keys import project_prefix
from streamrank.stream.leases import Leases

MADE = ("features", "training", "served", "audit", "quarantine", "events")
FILES = ("items.parquet", "users.parquet", "held_back.parquet", "events.bus.json", "registry.db", "dataset.json")


def start_over(data: DataSet) -> None:
    """Removes the data set's events, items and users and all that was made of them, on disk and on the server.

    Models that were promoted stay. InputError while `streamrank stream` works on the data set.
    """
    if embedded.status().running:
        connection, project = open_bus().connection, project_of(data.name)
        if Leases(connection, project, "starting-over", 3_000_000).beat(alive=False):
            raise InputError(f"data set {data.name!r} is being streamed: end `streamrank stream` first")
        for prefix in (project_key(project, ""), live_prefix(project), project_prefix(project)):
            connection.delete_prefix(prefix)
    for name in MADE:
        shutil.rmtree(data.home / name, ignore_errors=True)
    for name in FILES:
        (data.home / name).unlink(missing_ok=True)
