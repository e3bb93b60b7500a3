"""A protocol as a whole, on a small log of broadcasts whose times are only an order."""

import json
from dataclasses import replace

import numpy as np
import pytest
from broadcasts import broadcasts
from histories import make_data_set
from protocol_worlds import live_world

from catalog.errors import InputError
from pipelines.protocols import last_10_percent
from pipelines.protocols.ours import STAGES, ours
from pipelines.protocols.running import Options, run
from streamrank.clock import SECOND

MEASURES = {
    "ndcg@10", "map@10", "hit@1", "hit@5", "hit@10", "recall@20", "precision@10", "mrr", "auc", "user_auc",
    "coverage@10", "topics@10", "popularity@10", "novelty@10",
}  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What leave-one-out finds of a sample, and the folder it wrote."""
    from platforms import environment

    with environment(STREAMRANK_ROOT=str(tmp_path_factory.mktemp("root")), STREAMRANK_DATASET="live"):
        rows = broadcasts(40, 25, 1_200, days=10).to_pylist()
        events = [
            {"event_type": "view", "user_id": f"u{row['user_id']}", "item_id": f"i{row['item_id']}",
             "event_time": row["event_time"] * SECOND} for row in rows
        ]  # fmt: skip
        data = make_data_set(events)
        data.write_manifest(replace(data.manifest(), times="order"))
        yield run(data, "leave-one-out", Options(on_air_hours=6, most=25, ablations=True)), data


def test_every_scorer_has_every_measure_with_its_interval(found):
    told = json.loads(json.dumps(found[0], allow_nan=False))
    assert {"ours", "popularity", "recent popularity", "most often", "last watched", "als alone"} <= set(
        told["metrics"]
    )
    assert list(told["stages"]) == list(STAGES)
    for figures in (*told["metrics"].values(), *told["stages"].values()):
        assert set(figures) == MEASURES
        for interval in figures.values():
            assert set(interval) == {"mean", "low", "high"}
        assert 0 <= figures["ndcg@10"]["low"] <= figures["ndcg@10"]["mean"] <= figures["ndcg@10"]["high"] <= 1


def test_what_was_left_out_and_what_was_decided_is_said(found):
    told = found[0]
    assert told["sampled"]["questions"].startswith("25 of ") and told["questions"] == 25
    assert told["repeats"]["count"] and told["on air"] == "acted on by anybody within the last 6 steps"
    assert "only an order" in told["features"] and "content" in told["aside"]
    assert told["aside"]["topics of interest"] == "no item has topics" and "most often" not in told["aside"]
    assert all(chosen["kept"] and chosen["why"] for chosen in told["chosen"].values())


def test_parts_stand_apart_and_add_up(found):
    told = found[0]
    for one, other in (
        ("cold users", "known users"),
        ("repeats only", "new items only"),
        ("cold items", "known items"),
    ):
        assert told[one]["questions"] + told[other]["questions"] == 25
    assert sum(part["questions"] for part in told["by history"]) == 25
    parts = [told[name] for name in ("repeats only", "new items only") if told[name]["questions"]]
    whole = sum(part["questions"] * part["metrics"]["ours"]["hit@10"]["mean"] for part in parts) / 25
    np.testing.assert_allclose(whole, told["metrics"]["ours"]["hit@10"]["mean"])


def test_each_source_is_left_out_in_turn(found):
    names = set(found[0]["ablations"])
    assert not names or {"nothing left out", "without als", "without again"} <= names


def test_each_step_of_re_ranking_is_run_alone(found):
    told = found[0]["ablations"]
    assert not told or {"re-rank, no step", "re-rank, only exploration", "re-rank, all steps"} <= set(told)
    assert not told or told["re-rank, no step"] == told["re-rank, only hidden"]  # nobody hid anything


def test_figures_and_page_are_kept_and_the_page_needs_nothing_else(found):
    told, data = found
    kept = data.training / "evaluation-leave-one-out.json"
    assert json.loads(kept.read_text()) == told
    page = kept.with_suffix(".html").read_text()
    assert page.count("<svg") >= 3 and "most often" in page and "25 of " in page
    assert "src=" not in page and "<script" not in page and 'href="http' not in page


def test_what_cannot_be_asked_is_refused_with_what_to_do(found):
    with pytest.raises(InputError, match=r"impressions.*use --protocol"):
        run(found[1], "impressions")


def test_a_list_is_the_same_whatever_comes_after_its_question():
    world = live_world()
    (task,) = last_10_percent.plan(world, most=40).tasks
    instant = int(np.median(task.asked.instants))
    later = world.acts.times > instant
    items = np.where(later, np.roll(world.acts.items, 7), world.acts.items)
    changed = replace(world.acts, items=items.astype(np.int32))
    one = ours(world, task, None, lambda step: None)
    other = ours(replace(world, acts=changed), replace(task, history=changed), None, lambda step: None)
    same = task.asked.instants <= instant
    for name, lists in one.lists.items():
        np.testing.assert_array_equal(lists[same], other.lists[name][same])
    assert (items != world.acts.items).any() and same.any()
