"""The registry of models on a small world: what is stored, which version is in use, and how that changes."""

import pytest
from learning_world import learn_backwards

from catalog import in_use as record
from catalog.errors import InputError
from models.recommender import Recommender
from pipelines.evaluate import evaluate
from pipelines.model_store import code_version, in_use, model_name, stored
from pipelines.promote import WorseThanInUse, promote
from pipelines.registry import promote_stored, rollback, versions
from pipelines.train import trained_recommender


def test_versions_tell_their_metrics_data_window_and_code(trained):
    assert versions(trained) == [] and in_use(trained) is None and record.history(trained) == []
    tag = promote(trained).tag
    (only,) = versions(trained)
    assert (only.tag, only.state, only.code_version) == (tag, "in use", code_version())
    assert 0 < only.metrics["ndcg@10"]["mean"] <= 1 and only.metrics["main"] == "ndcg@10"
    assert only.data_window["from"] < only.data_window["to"]
    assert (
        only.kind == trained_recommender(trained).ranker.kind
        and only.kept == trained_recommender(trained).chosen["kept"]
    )


def test_what_is_promoted_knows_all_acts_by_now_and_ranks_as_it_was_tested(trained):
    promote(trained)
    tested, used = trained_recommender(trained), in_use(trained).recommender
    assert used.features == tested.features and used.names == tested.names and used.half_life == tested.half_life
    late = {source.name: source for source in used.sources.sources}["als"].until
    assert late > {source.name: source for source in tested.sources.sources}["als"].until


def test_a_rollback_puts_back_what_was_in_use_before_and_no_version_is_lost(trained):
    first = promote(trained).tag
    with pytest.raises(InputError, match=f"in use before {first}, found none"):
        rollback(trained)
    evaluate(trained)
    second = promote(trained).tag
    assert [(v.tag, v.state) for v in versions(trained)] == [(second, "in use"), (first, "was in use")]
    change = rollback(trained)
    assert (change.tag, change.replaced, change.action) == (first, second, "rolled back")
    assert in_use(trained).tag == first
    assert {v.tag: v.state for v in versions(trained)} == {first: "in use", second: "was in use"}
    with pytest.raises(InputError, match="found none"):
        rollback(trained)
    assert promote_stored(trained, second.partition(":")[2]).replaced == first
    assert rollback(trained).tag == first
    assert [c.action for c in record.history(trained)] == [
        "promoted",
        "promoted",
        "rolled back",
        "promoted",
        "rolled back",
    ]


def test_a_stored_version_that_is_worse_is_refused_unless_forced(trained):
    good = promote(trained).tag
    learn_backwards(trained)
    evaluate(trained)
    bad = promote(trained, force=True).tag
    rollback(trained)
    with pytest.raises(WorseThanInUse, match="not promoted, it is worse: ndcg@10"):
        promote_stored(trained, bad)
    assert in_use(trained).tag == good
    assert promote_stored(trained, bad, force=True).forced and in_use(trained).tag == bad
    with pytest.raises(InputError, match="is in use already"):
        promote_stored(trained, bad)
    with pytest.raises(
        InputError, match=f"no model {model_name(trained)}:nothing: expected one of {model_name(trained)}:"
    ):
        promote_stored(trained, "nothing")


def test_the_service_takes_the_version_in_use_and_not_the_latest(trained):
    from bentos.recommender import home

    assert home.model_tag() == f"{model_name(trained)}:latest"
    first = promote(trained).tag
    evaluate(trained)
    assert promote(trained).tag == home.model_tag()
    rollback(trained)
    assert home.model_tag() == first
    assert Recommender.load(home.promoted(first).path).names == trained_recommender(trained).names
    (trained.home / record.FILE).unlink()
    assert home.model_tag() == f"{model_name(trained)}:latest"
    assert in_use(trained).tag == str(max(stored(trained), key=lambda model: model.info.creation_time).tag)
