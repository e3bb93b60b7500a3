"""What the recommender needs before it starts: a promoted model with all its stages, and Feast's registry."""

from pathlib import Path

from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml.exceptions import NotFound as NotInStore
from bentoml.models import Model
from bentoml.models import get as get_model

from bentos.home import CannotServe
from catalog.dataset import DataSet
from catalog.in_use import in_use
from models.recommender import ABOUT
from streamrank.settings import settings


def model_name() -> str:
    """What the promoted model of the data set in use is called in BentoML's model store."""
    return f"ranker-{settings().dataset}".lower()


def model_tag() -> str:
    """The version in use as the record says, else the latest of the store."""
    recorded = in_use(DataSet.current())
    return recorded if recorded and _stored(recorded) else f"{model_name()}:latest"


def _stored(tag: str) -> bool:
    try:
        return bool(get_model(tag))
    except NotInStore:
        return False


def promoted(tag: str) -> Model:
    """The stored model; CannotServe when none has been promoted, or one that only ranks."""
    try:
        return _whole(get_model(tag))
    except NotInStore as missing:
        store = BentoMLContainer.model_store_dir.get()
        raise CannotServe(
            f"data set {settings().dataset!r} has no promoted model: expected {tag} in {store}; "
            f"run `streamrank train`, `streamrank evaluate` and `streamrank promote`, or set STREAMRANK_DATASET"
        ) from missing


def _whole(model: Model) -> Model:
    """A model with all three stages: those of earlier versions were a ranker alone."""
    if not Path(model.path_of(ABOUT)).exists():
        raise CannotServe(
            f"model {model.tag} of data set {settings().dataset!r} has no sources of candidates: expected {ABOUT} in "
            f"{model.path}; it is of an earlier version: run `streamrank train && streamrank promote`"
        )
    return model


def applied() -> None:
    """CannotServe when Feast's registry is not there, so that the workers could not read a feature."""
    registry = DataSet.current().home / "registry.db"
    if not registry.exists():
        raise CannotServe(f"no features are registered: expected {registry}; run `streamrank apply`")
