"""What is settled before BentoML does anything else: nothing is reported to anyone, its stores lie under our root.

In the checkout's `.venv` the environment says so already; elsewhere `bentoml` has read it by the time it imports us.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.utils.analytics import usage_stats
from bentoml.exceptions import BentoMLException

from catalog.dataset import DataSet, DataSetMissing, Manifest
from streamrank import environment
from streamrank.settings import SettingRefused, settings


class CannotServe(BentoMLException):
    """What must stand before the service can start does not; the message says what to run."""


def settle() -> None:
    """Switches telemetry off, and puts BentoML's stores at `settings().bentoml_home` unless BENTOML_HOME is set.

    CannotServe where a setting does not fit.
    """
    chosen = "BENTOML_HOME" in os.environ
    environment.prepare()
    try:
        settings()
    except SettingRefused as refused:
        raise CannotServe(str(refused)) from refused
    usage_stats.do_not_track.cache_clear()  # asked, and remembered, before the service is imported
    if not chosen:
        _move_stores(settings().bentoml_home)
    _keep_metrics_apart()


def _move_stores(home: Path) -> None:
    """Commands hold the two stores before they import the service, so the objects themselves are pointed elsewhere."""
    for folder in ("bentos", "models", "tmp"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    BentoMLContainer.bentoml_home.set(str(home))
    BentoMLContainer.bento_store.get()._path = home / "bentos"
    BentoMLContainer.model_store.get()._path = home / "models"


def _keep_metrics_apart() -> None:
    """A service's workers share a folder of metrics. BentoML's lies in its home and is emptied by whichever service
    starts last there, so that another one would forget its counts: each gets its own."""
    folder = Path(tempfile.gettempdir()) / f"streamrank-metrics-{os.getpid()}"
    BentoMLContainer.prometheus_multiproc_dir.set(str(folder))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)


def manifest() -> Manifest:
    """The manifest of the data set in use; CannotServe when it is not loaded."""
    try:
        return DataSet.current().manifest()
    except DataSetMissing as missing:
        raise CannotServe(f"{missing} (STREAMRANK_ROOT is {settings().root})") from missing
