"""From the training set to the ranker in use, on a small world with something to learn: each step, and each refusal."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bentoml
import numpy as np
import pyarrow.parquet as pq
import pytest
from learning_world import ITEMS, NOW, impressions, learn_backwards, made, with_views
from platforms import environment

from catalog.dataset import DataSet
from models.matrix import matrix
from models.ranker import Ranker
from pipelines import feature_store
from pipelines.evaluate import CHALLENGER, HOLDER, evaluate, read_evaluation
from pipelines.inputs import StepMissing
from pipelines.model_store import code_version, in_use
from pipelines.promote import WorseThanInUse, promote
from pipelines.train import ranker_folder, train, trained
from pipelines.training_set import build_training_set, read_training_set
from streamrank import clock
from streamrank.clock import VirtualClock


@pytest.fixture(scope="module")
def template(tmp_path_factory, redis_server) -> Iterator[Path]:
    """The world's root with data and features, from which each test has a copy."""
    root = tmp_path_factory.mktemp("template")
    with entered(root, redis_server):
        build_training_set(with_views(made(impressions())))
        yield root


@pytest.fixture
def data(template, tmp_path, redis_server) -> Iterator[DataSet]:
    shutil.copytree(template, tmp_path / "root")
    with entered(tmp_path / "root", redis_server) as data:
        feature_store.apply()
        yield data


@contextmanager
def entered(root: Path, redis_url: str) -> Iterator[DataSet]:
    variables = {"STREAMRANK_ROOT": str(root), "STREAMRANK_DATASET": "learning", "STREAMRANK_REDIS_URL": redis_url}
    with environment(**variables), clock.use(VirtualClock(NOW)):
        yield DataSet.current()


def test_the_ranker_beats_the_baselines_where_users_have_tastes(data):
    fit = train(data)
    assert fit.trees > 1 and fit.rows > fit.stopped_on > 0 and sum(fit.gains.values()) == pytest.approx(1)
    result = evaluate(data)
    assert result == read_evaluation(data) and result["replaces"] is None
    main = result["tables"][0]
    assert [table["name"] for table in result["tables"]][:2] == ["all", "warm"]
    known = {"popularity", "recent popularity", "topics of interest", "item rate", "most often", "last watched"}
    assert set(main["scorers"]) == {CHALLENGER, *known}  # users are shown what they clicked on before
    for other in ("popularity", "recent popularity"):
        assert main["differences"][other]["ndcg@10"]["low"] > 0
    ranker = main["scorers"][CHALLENGER]
    for measure in ("ndcg@10", "recall@20", "map@10", "auc", "auc per user"):
        assert 0 <= ranker[measure]["low"] <= ranker[measure]["mean"] <= ranker[measure]["high"] <= 1
    assert 0 < ranker["coverage@10"] <= 1 and ranker["auc"]["mean"] > 0.6


def test_the_same_set_gives_the_same_ranker(data):
    train(data)
    first = (ranker_folder(data) / "model.ubj").read_bytes()
    train(data)
    assert (ranker_folder(data) / "model.ubj").read_bytes() == first


def test_the_stored_model_is_what_the_service_reads(data):
    train(data)
    evaluation = evaluate(data)
    made = promote(data)
    assert made.comparison is None and not made.forced and not made.not_beaten
    stored = bentoml.models.get("ranker-learning:latest")
    assert str(stored.tag) == made.tag == in_use(data).tag
    about = json.loads((Path(stored.path) / "model.json").read_text())
    assert about["features"] == trained(data).features and about["feature_service"] == "ranker"
    assert about["dataset"] == "learning" and about["label_rule"] == "click"
    assert about["data_window"]["from"] < about["data_window"]["to"]
    assert about["metrics"]["ndcg@10"] == evaluation["tables"][0]["scorers"][CHALLENGER]["ndcg@10"]
    assert about["code_version"] == code_version()
    rows, _ = read_training_set(data)
    found = Ranker.load(stored.path)
    np.testing.assert_array_equal(*(r.score(matrix(rows, r.features)) for r in (found, trained(data))))
    catalogue = pq.read_table(Path(stored.path) / "catalog.parquet")
    columns = ["item_id", "creator_id", "topics", "title", "available_from", "available_until", "popularity"]
    assert catalogue.column_names == columns and catalogue.num_rows == ITEMS
    assert catalogue["popularity"].null_count == 0 and catalogue["popularity"].to_numpy().max() > 1


def test_a_tie_passes_and_a_worse_ranker_is_refused_with_both_figures_unless_forced(data):
    train(data)
    evaluate(data)
    first = promote(data).tag
    tie = evaluate(data)["tables"][0]
    assert tie["differences"][HOLDER]["ndcg@10"] == {"mean": 0, "low": 0, "high": 0}
    second = promote(data)
    assert second.tag != first and second.comparison.paired and second.comparison.new == second.comparison.held

    learn_backwards(data)
    worse = evaluate(data)["tables"][0]
    new, held = (worse["scorers"][scorer]["ndcg@10"]["mean"] for scorer in (CHALLENGER, HOLDER))
    assert new < held
    with pytest.raises(WorseThanInUse) as refusal:
        promote(data)
    for part in (f"{new:.4f}", f"{held:.4f}", f"{new - held:+.4f}", second.tag, "same requests", "--force"):
        assert part in str(refusal.value)
    assert in_use(data).tag == second.tag
    forced = promote(data, force=True)
    assert forced.forced and forced.not_beaten and in_use(data).tag == forced.tag


def test_each_step_names_the_one_that_it_needs(data):
    for step in (evaluate, promote):
        with pytest.raises(StepMissing, match="run `streamrank train`"):
            step(data)
    train(data)
    with pytest.raises(StepMissing, match="run `streamrank evaluate`"):
        promote(data)
    evaluate(data)
    learn_backwards(data)
    with pytest.raises(StepMissing, match="is of another ranker than the one trained last"):
        promote(data)
    (data.training / "training_set.parquet").unlink()
    with pytest.raises(StepMissing, match="run `streamrank training-set`"):
        train(data)


def test_an_evaluation_from_before_another_promotion_does_not_count(data):
    train(data)
    evaluate(data)
    promote(data)
    with pytest.raises(StepMissing, match=r"did not measure ranker-learning:\S+, now in use"):
        promote(data)
