"""Feast's steps over `feature_repo/`: apply, materialize, and features as of the past. Its import takes seconds."""

import contextlib
import io
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime

import pyarrow as pa
from feast import FeatureService, FeatureStore, FeatureView
from feast.errors import FeatureServiceNotFoundException
from feast.repo_config import load_repo_config
from feast.repo_operations import apply_total
from feast.types import from_feast_to_pyarrow_type
from rich.progress import track

from catalog.dataset import DataSet, DataSetMissing
from pipelines.vectors import make_files
from streamrank import environment
from streamrank.environment import CHECKOUT
from streamrank.settings import settings
from streamrank.stream.views import is_streamed

# Feast says so of every view at each reading of its registry; here they run, and are audited.
warnings.filterwarnings("ignore", message="Stream feature views are experimental", category=RuntimeWarning)

FEATURE_REPO = CHECKOUT / "feature_repo"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FeaturesMissing(DataSetMissing):
    """The features of the data set have not been computed or applied."""


def open_store() -> FeatureStore:
    """The feature store of the data set in use; FeaturesMissing when nothing was applied to it."""
    _prepare()
    if not (settings().home / "registry.db").exists():  # Feast would make an empty one
        raise FeaturesMissing(f"data set {settings().dataset!r} has no feature registry: run `streamrank apply`")
    return FeatureStore(repo_path=str(FEATURE_REPO))


def apply() -> list[str]:
    """Registers what `feature_repo/` declares, as `feast apply` does; the names of its feature views.

    Raises FeaturesMissing when the batch features have not been computed, since Feast reads the columns of their files.
    """
    _prepare()
    if not any(DataSet.current().features.glob("*.parquet")):
        raise FeaturesMissing(
            f"data set {settings().dataset!r} has no features: expected Parquet files in "
            f"{DataSet.current().features}; run `streamrank features`"
        )
    make_files(DataSet.current())
    with _in_feature_repo(), quiet():
        apply_total(load_repo_config(FEATURE_REPO, FEATURE_REPO / "feature_store.yaml"), FEATURE_REPO, False)
    return sorted(view.name for view in open_store().list_all_feature_views())


def materialize(start: datetime, end: datetime) -> int:
    """Writes each key's latest of the rows that became known from start to end, where the online store has none newer.

    Returns the number of views.
    """
    store = open_store()
    return _materialize(store, {view.name: start for view in _of_rows(store)}, end)


def materialize_incremental(end: datetime) -> int:
    """Writes what became known since the last run up to `end`, everything on the first; the number of views.

    Attributes hold from 1970 on, so views of them are always read whole: a new item reaches the online store too.
    Rows computed anew that keep their time, after events were loaded into past days, need `materialize` from then on.
    """
    store = open_store()
    starts = {view.name: _resumed(view) for view in _of_rows(store)}
    return _materialize(store, starts, end)


def declared_features(store: FeatureStore, service_name: str) -> pa.Schema:
    """The features of a service in its order, with their Arrow types."""
    projections = feature_service(store, service_name).feature_view_projections
    return pa.schema(
        [(field.name, from_feast_to_pyarrow_type(field.dtype)) for view in projections for field in view.features]
    )


def feature_service(store: FeatureStore, name: str) -> FeatureService:
    try:
        return store.get_feature_service(name)
    except FeatureServiceNotFoundException as error:
        raise FeaturesMissing(
            f"feature service {name!r} is not registered for data set {settings().dataset!r}, which has "
            f"{sorted(service.name for service in store.list_feature_services())}: correct the name, or run "
            f"`streamrank apply` where it is new"
        ) from error


def _of_rows(store: FeatureStore) -> list[FeatureView]:
    """The views with rows of their own; the others follow events."""
    return [view for view in store.list_feature_views() if not is_streamed(view)]


def _materialize(store: FeatureStore, starts: dict[str, datetime], end: datetime) -> int:
    for name, start in track(starts.items(), "materialize"):
        if start <= end:
            with quiet(), _one_bar():
                store.materialize(start, end, feature_views=[name])
    return len(starts)


def _resumed(view: FeatureView) -> datetime:
    if view.tags.get("known") == "always" or view.most_recent_end_time is None:
        return EPOCH
    return view.most_recent_end_time.replace(tzinfo=UTC)


def _prepare() -> None:
    os.environ["STREAMRANK_ROOT"] = str(settings().root)  # absolute, since Feast reads it from feature_repo
    environment.prepare()


@contextlib.contextmanager
def _in_feature_repo() -> Iterator[None]:
    """Feast imports definitions by their bare names from the working folder.

    They are imported anew, since they hold the paths of the data set they were imported for; a module of the caller's
    that has the name of one is put back afterwards.
    """
    names = [path.stem for path in FEATURE_REPO.glob("*.py")]
    before = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    with contextlib.chdir(FEATURE_REPO):
        sys.path.insert(0, str(FEATURE_REPO))
        try:
            yield
        finally:
            sys.path.remove(str(FEATURE_REPO))
            for name in names:
                sys.modules.pop(name, None)
            sys.modules.update(before)


@contextlib.contextmanager
def _one_bar() -> Iterator[None]:
    """Holds back the bars that Feast draws on stderr, a view each, and lets what the engine has to say through."""
    logger, told = logging.getLogger("streamrank"), logging.StreamHandler(sys.stderr)
    if not logger.hasHandlers():
        logger.addHandler(told)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logger.removeHandler(told)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Holds back Feast's own progress lines and its warnings of deprecated calls in its dependencies."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
