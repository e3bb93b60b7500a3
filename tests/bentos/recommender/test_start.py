"""What must stand before the service starts, what it says when it does not, and that nothing is reported to anyone."""

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from running_service import START_SECONDS, bentoml
from small_world import World, noise, world_at

from streamrank.environment import CHECKOUT


def refusal(world: World, log) -> str:
    """The output of a `bentoml serve` that is expected to end by itself."""
    with world.entered():
        process = bentoml("serve", "--port", "1", log=log)
    assert process.wait(START_SECONDS) == 1
    return " ".join(log.read_text().split())


def test_without_a_data_set_the_service_names_the_command_that_loads_one(tmp_path):
    said = refusal(world_at(tmp_path), tmp_path / "log")
    assert "data set 'small-world' is not loaded" in said
    assert "streamrank dataset" in said
    assert "Traceback" not in said


def test_without_a_promoted_model_the_service_names_the_command_that_promotes_one(tmp_path):
    from catalog.dataset import DataSet, Manifest

    empty = world_at(tmp_path)
    with empty.entered():
        DataSet.current().write_manifest(Manifest("small-world", "files"))
    said = refusal(empty, tmp_path / "log")
    assert "data set 'small-world' has no promoted model: expected ranker-small-world" in said
    assert "streamrank promote" in said
    assert "Traceback" not in said


def test_a_model_of_an_earlier_version_is_refused_with_the_commands_that_make_another(tmp_path):
    from bentoml import models

    from catalog.dataset import DataSet, Manifest

    old = world_at(tmp_path)
    with old.entered():
        DataSet.current().write_manifest(Manifest("small-world", "files"))
        (tmp_path / "small-world" / "registry.db").touch()
        with in_store(tmp_path), models.create("ranker-small-world") as model:
            noise(["item_views_60d"]).save(Path(model.path))
    said = refusal(old, tmp_path / "log")
    assert "has no sources of candidates: expected recommender.json" in said
    assert "streamrank train && streamrank promote" in said
    assert "Traceback" not in said


@contextmanager
def in_store(root: Path):
    """BentoML's model store below `root`, whatever it was before."""
    from bentoml._internal.configuration.containers import BentoMLContainer

    store = BentoMLContainer.model_store.get()
    before, store._path = store._path, root / "bentoml" / "models"
    store._path.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        store._path = before


def test_without_registered_features_the_service_names_the_command_that_registers_them(world, tmp_path):
    registry = world.root / "small-world" / "registry.db"
    registry.rename(tmp_path / "registry.db")
    try:
        said = refusal(world, tmp_path / "log")
    finally:
        (tmp_path / "registry.db").rename(registry)
    assert "no features are registered" in said
    assert "streamrank apply" in said


BARE = """
import os
for name in ("BENTOML_DO_NOT_TRACK", "BENTOML_HOME"):
    os.environ.pop(name, None)
from bentoml_cli.cli import cli
cli(["serve"])
"""


def test_a_bare_command_reports_nothing_and_looks_for_models_under_the_root(tmp_path):
    """Outside .venv nothing is set before `bentoml` starts. Debugging, it would log a report instead of sending it."""
    from catalog.dataset import DataSet, Manifest

    empty = world_at(tmp_path)
    with empty.entered(HOME=str(tmp_path), __BENTOML_DEBUG_USAGE="True"):
        DataSet.current().write_manifest(Manifest("small-world", "files"))
        ended = subprocess.run([sys.executable, "-c", BARE], cwd=CHECKOUT, capture_output=True, text=True, timeout=60)
    said = " ".join((ended.stdout + ended.stderr).split())
    assert ended.returncode == 1
    assert str(tmp_path / "bentoml" / "models") in said
    assert "Tracking" not in said


def test_a_feature_that_the_registry_lacks_is_named(world):
    from bentos.recommender.features import OnlineFeatures
    from pipelines import feature_store

    with world.entered(), pytest.raises(ValueError, match=r"lacks: \['unheard_of'\][\s\S]*streamrank apply"):
        OnlineFeatures(feature_store.open_store(), "ranker", ["item_views_60d", "unheard_of"])
