"""The stream of a data set: its worker, its log writer and rebuilds, put together from what is declared."""

import logging
import threading
from collections.abc import Iterable

from catalog.bus import open_bus
from catalog.dataset import DataSet
from catalog.errors import InputError
from catalog.live.processors import processors
from pipelines.feature_store import FeaturesMissing, open_store
from streamrank.events.log import EventLog
from streamrank.settings import settings
from streamrank.stream import generations
from streamrank.stream.applying import DeclarationsChanged
from streamrank.stream.leases import workers_alive
from streamrank.stream.log_writer import LogWriter
from streamrank.stream.views import StreamedView, streamed_views
from streamrank.stream.worker import Worker
from streamrank.windows.rebuild import Progress, Rebuilt, rebuild

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0


def run_worker(data: DataSet, stop: threading.Event) -> None:
    """Streams into the windows that are applied, and goes on with others as soon as these are, until `stop` is set."""
    while not stop.is_set():
        worker, pause = open_worker(data), threading.Event()
        watching = threading.Thread(target=_pause_on_change, args=(_named(worker.views), stop, pause), daemon=True)
        watching.start()
        try:
            worker.run(pause)
        except DeclarationsChanged as change:
            logger.warning("reading the declarations anew: %s", change)
            worker.close()
            stop.wait(LOOK_SECONDS)
        finally:
            pause.set()
            watching.join()


def _pause_on_change(views: set[tuple[str, str]], stop: threading.Event, pause: threading.Event) -> None:
    """Sets `pause` once `stop` is set or other views are applied; a registry that cannot be read is looked at again."""
    registry, seen = settings().home / "registry.db", None
    while not pause.wait(LOOK_SECONDS / 10):
        changed = False
        try:
            written = registry.stat().st_mtime_ns  # a materialization writes it too, and changes no view
            changed = written != seen and _named(streamed_views(open_store())) != views
            seen = written
        except Exception as error:  # it is being written, or made anew: the stream must go on, and end when told to
            logger.debug("the registry could not be read: %s", error)
        if stop.is_set() or changed:
            pause.set()


def _named(views: Iterable[StreamedView]) -> set[tuple[str, str]]:
    return {(view.name, view.fingerprint) for view in views}


def open_worker(data: DataSet) -> Worker:
    """A worker of all views over events that are applied, and of the live state; `ensure_redis` comes before."""
    store, bus = open_store(), open_bus()
    views = streamed_views(store)
    if not views:
        raise FeaturesMissing(f"data set {data.name!r} has no views over events: run `streamrank apply`")
    live = processors(bus, bus.connection, store, data)
    return Worker(bus, bus.connection, store.project, views, EventLog(data.events), live)


def open_log_writer(data: DataSet) -> LogWriter:
    return LogWriter(open_bus(), EventLog(data.events))


def rebuild_view(data: DataSet, name: str, progress: Progress) -> Rebuilt:
    """A new generation of the view `name`, of windows or latest acts, from log and bus. Raises InputError."""
    store, bus = open_store(), open_bus()
    views = {view.name: view for view in streamed_views(store)}
    if name not in views:
        raise InputError(f"expected one of the views over events {sorted(views)}, found {name!r}")
    return rebuild(bus, bus.connection, store.project, views[name], EventLog(data.events), progress)


def fill_views(data: DataSet) -> int:
    """Fills the views over events that never were, from log and bus, so that they can be read before anything streams;
    where nothing streams, brings the others up to date with what was loaded since. How many there are.

    While a worker lives, `streamrank stream`, it keeps them up to date, and they are left to it.
    """
    worker = open_worker(data)
    read = [
        generations.read_by(worker.connection, worker.project, view.name, view.fingerprint) for view in worker.views
    ]
    if None in read or not workers_alive(worker.connection, worker.project):
        worker.drain()
        worker.close()
    return len(worker.views)
