"""`bentoml build` packs the service with the model of the day, and the bento keeps serving that model."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from running_service import START_SECONDS, bentoml, serving
from small_world import promote

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (shutil.which("uv") or find_spec("uv")), reason="bentoml build would install uv"),
]


@pytest.fixture(scope="module")
def bento(world) -> Path:
    log = world.root / "build.log"
    with world.entered():
        process = bentoml("build", log=log)
    assert process.wait(START_SECONDS) == 0, log.read_text()
    (built,) = (path for path in (world.root / "bentoml" / "bentos" / "recommender").iterdir() if path.is_dir())
    return built


def test_a_bento_carries_the_code_and_the_definitions_and_nothing_else(bento):
    files = [path.relative_to(bento / "src") for path in (bento / "src").rglob("*") if path.is_file()]
    assert {path.parts[0] for path in files} == {
        "bentofile.yaml", "bentos", "catalog", "feature_repo", "models", "streamrank"
    }  # fmt: skip
    assert {path.suffix for path in files} == {".py", ".yaml"}
    assert Path("feature_repo/feature_store.yaml") in files


def test_a_bento_names_its_model_and_pins_its_requirements(bento):
    assert "tag: ranker-small-world:" in (bento / "bento.yaml").read_text()
    requirements = (bento / "env" / "python" / "requirements.txt").read_text()
    assert "feast==" in requirements
    assert "bentoml==" in requirements


def test_a_bento_serves_the_model_it_was_built_with(bento, world, service):
    from pipelines import feature_store

    built_with = service.recommend(user_id="u3").json()
    with world.entered():
        promote(world.root, feature_store.declared_features(feature_store.open_store(), "ranker").names)
    with serving(world, world.root / "bento.log", bento=f"recommender:{bento.name}") as served:
        answer = served.recommend(user_id="u3").json()
    assert answer["model_version"] == built_with["model_version"]
    assert answer["items"] == built_with["items"]
