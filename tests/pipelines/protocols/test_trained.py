"""The protocols that measure the trained model, on a log of impressions."""

import json

import pytest
from learning_world import NOW, impressions, made, with_views
from platforms import environment

from pipelines.protocols.running import Options, run
from pipelines.train import train
from pipelines.training_set import build_training_set
from streamrank import clock
from streamrank.clock import VirtualClock


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What the protocol finds of impressions, and the data set."""
    variables = {"STREAMRANK_ROOT": str(tmp_path_factory.mktemp("root")), "STREAMRANK_DATASET": "learning"}
    with environment(**variables), clock.use(VirtualClock(NOW)):
        data = with_views(made(impressions()))
        build_training_set(data)
        train(data)
        yield run(data, "impressions"), data


def test_areas_are_of_all_rows_and_of_each_user(found):
    told = json.loads(json.dumps(found[0], allow_nan=False))
    ours = told["metrics"]["ours"]
    assert {"popularity", "recent popularity", "topics of interest", "item rate"} <= set(told["metrics"])
    for measure in ("auc", "user_auc", "ndcg@10", "map@10", "hit@10", "recall@20", "coverage@10", "topics@10"):
        assert ours[measure]["low"] <= ours[measure]["mean"] <= ours[measure]["high"]
    assert ours["auc"]["mean"] > 0.6 and told["metrics"]["popularity"]["auc"]["mean"] < ours["auc"]["mean"]


def test_stages_calibration_and_what_was_chosen_are_told(found):
    told = found[0]
    assert told["stages"]["+ ranker"] == told["metrics"]["ours"] and "retrieval alone" not in told["metrics"]
    assert len(told["calibration"]) == 10 and told["chosen"]["kept"]
    assert "served" in told["aside"]["off policy"]


def test_the_page_shows_the_calibration(found):
    page = (found[1].training / "evaluation-impressions.html").read_text()
    assert "<h2>Calibration</h2>" in page and "item rate" in page


def test_options_of_other_protocols_are_said_to_do_nothing(found):
    with clock.use(VirtualClock(NOW)):
        assert "trained model" in run(found[1], "temporal", Options(repeats=True))["aside"]["options"]
