"""From a file of users, items and numbers that only tell what came first, to an evaluation."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from platforms import platform_at

from catalog.dataset import DataSet
from catalog.files import Rules, source
from catalog.load import load
from models.retrieval.sources import fit_all
from pipelines.as_known import FIRST, OFTEN, asked_from, columns_as_known
from pipelines.epochs import epochs
from pipelines.evaluate import _answerable, evaluate, read_evaluation
from pipelines.evaluation_rows import EvaluationRows, evaluation_rows
from pipelines.interactions import interactions
from pipelines.retrieval import source_columns
from pipelines.steps import bring_up_to_date
from pipelines.train import trained_recommender
from pipelines.training_set import read_training_set
from pipelines.worlds import learned, present_world
from streamrank.clock import SECOND

USERS, ITEMS, STEPS = 30, 25, 60


def plays(random: np.random.Generator) -> str:
    """Everybody plays one of two items of their own at most steps, now and then another one, again and again."""
    lines = ["when,who,what"]
    for step in range(STEPS):
        for user in np.flatnonzero(random.random(USERS) < 0.6).tolist():
            own = (3 * user + int(random.integers(2))) % ITEMS
            lines.append(f"{step},{user},i{own if random.random() < 0.8 else random.integers(ITEMS)}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory, redis_server):
    folder = tmp_path_factory.mktemp("plays")
    (folder / "plays.csv").write_text(plays(np.random.default_rng(4)))
    columns = {"event_time": "when", "user_id": "who", "item_id": "what"}
    with platform_at(folder / "root", STREAMRANK_DATASET="plays", STREAMRANK_REDIS_URL=redis_server):
        data = DataSet.current()
        load(source(folder / "plays.csv", rules=Rules(on_air_hours=3, columns=columns)), data)
        assert bring_up_to_date(data, "train") == ["features", "apply", "training-set", "train"]
        yield data


def test_what_is_lacking_steps_aside_with_its_reason_and_the_rest_is_learned(data):
    made = trained_recommender(data)
    assert {"als", "item_item", "again", "trending"} <= set(made.names)
    for name in ("content", "fresh", "followed", "continue_watching"):
        assert made.chosen["aside"][name]
    assert made.chosen["kept"] in {"sources and features", "features", "sources"} or made.chosen["why"]


def test_repeats_count_and_what_is_on_air_is_what_somebody_played_within_the_last_steps(data):
    made = trained_recommender(data)
    assert data.manifest().times == "order" and not made.seen_leaves and not made.rerank.seen_leaves
    assert made.on_air.hours * 3_600 == pytest.approx(3)
    assert made.chosen["found"]["again"] > 0


def test_each_act_is_asked_for_among_what_was_on_air_and_repeats_count(data):
    rows = evaluation_rows(data).rows
    acts, items = interactions(data)
    wanted = rows.filter(pc.equal(rows["label"], 1)).to_pylist()
    pairs = {(acts.user_ids[user], items.ids[item]) for user, item in zip(acts.users, acts.items, strict=True)}
    assert len(wanted) > 50 and all((row["user_id"], row["item_id"]) in pairs for row in wanted)
    before = {
        (acts.user_ids[user], items.ids[item]): time
        for user, item, time in zip(acts.users[::-1], acts.items[::-1], acts.times[::-1], strict=True)
    }
    again = [row for row in wanted if before[row["user_id"], row["item_id"]] < row["request_time"]]
    assert len(again) > len(wanted) / 2
    last = {}
    for item, time in zip(acts.items.tolist(), acts.times.tolist(), strict=True):
        last.setdefault(items.ids[item], []).append(time)
    for row in rows.filter(pc.equal(rows["label"], 0)).slice(0, 200).to_pylist():
        assert any(0 < row["request_time"] - time <= 3 * SECOND for time in last[row["item_id"]])


def test_no_act_that_is_asked_for_was_learned_from(data):
    acts, _ = interactions(data)
    kept = learned(data, acts)
    asked = evaluation_rows(data).rows
    first = dict(zip(*(asked.group_by("user_id").aggregate([("request_time", "min")])[n].to_pylist()
                       for n in ("user_id", "request_time_min")), strict=True))  # fmt: skip
    assert first and 0 < len(kept) < len(acts)
    assert all(time <= first.get(acts.user_ids[user], time) for user, time in zip(kept.users, kept.times, strict=True))


def test_a_question_with_many_answers_counts_less_than_as_many_questions(data):
    rows, _ = read_training_set(data)
    groups, labels = rows["qid"].to_numpy(), rows["label"].to_numpy()
    answers = np.bincount(groups, labels)[groups]
    np.testing.assert_allclose(rows["weight"].to_numpy(), answers**-0.5, rtol=1e-6)


def test_a_request_is_asked_of_sources_that_saw_nothing_of_what_came_after_it(data):
    made, rows = trained_recommender(data), evaluation_rows(data).rows
    world = present_world(data, made.items, made.half_life)
    instants = np.unique(rows["request_time"].to_numpy())
    until = int(instants[len(instants) // 2])
    early = rows.filter(pc.less_equal(rows["request_time"], until))
    chain = epochs(world.acts, FIRST, OFTEN)
    begins = max(each.begins for each in chain if each.begins <= until)
    place = 2 * made.names.index("item_item")
    told = columns_as_known(early, made, data, world)[:, place]
    fitted = fit_all(world.acts.before(begins), world.items, ["item_item"])
    own = early.filter(pc.greater_equal(early["request_time"], begins))
    expected = source_columns(own, fitted, ["item_item"], world)[:, 0]
    np.testing.assert_array_equal(told[early["request_time"].to_numpy() >= begins], expected)


def test_it_is_evaluated(data):
    result = evaluate(data)
    assert result["tables"][0]["requests"] > 0
    assert 0 < result["metrics"]["ours"]["ndcg@10"]["mean"] <= 1


def test_baselines_of_habits_count_and_those_that_lack_their_inputs_step_aside(data):
    found = read_evaluation(data)
    assert {"popularity", "most often", "last watched"} <= set(found["metrics"])
    assert found["metrics"]["last watched"]["ndcg@10"]["mean"] > found["metrics"]["popularity"]["ndcg@10"]["mean"]
    assert (
        "topics of interest" not in found["metrics"] and "no item has a topic" in found["aside"]["topics of interest"]
    )
    table = found["tables"][0]
    assert table["name"] == "warm" and {"most often", "last watched"} <= set(table["differences"])


def test_requests_before_the_first_fit_are_left_out_by_name_and_count(data):
    acts = interactions(data)[0]
    since = asked_from(data, acts)
    assert acts.times[0] < since <= acts.times[len(acts) // 10]
    row = {"user_id": "0", "item_id": "i1", "label": 1}
    rows = pa.Table.from_pylist(
        [row | {"qid": qid, "request_time": since + after, "warm": qid > 1} for qid, after in enumerate((-2, -1, 0, 1))]
    )
    kept, early = _answerable(EvaluationRows(rows, False, {"warm": 5, "cold": 9}), since)
    assert kept.rows["qid"].to_pylist() == [2, 3] and early == {"requests before the first fit of sources": 2}
    assert kept.requests == {"warm": 5, "cold": 7}
    assert _answerable(EvaluationRows(rows, False, {}), None)[1] == {}
