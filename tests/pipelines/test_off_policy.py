"""From a log of a world whose rates are known: what is estimated of other policies is what they would have earned."""

from dataclasses import replace
from datetime import timedelta
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
import xgboost
from histories import DAY, make_data_set
from reranked import context, in_order, items

from bentos.recommender.served_rows import COLUMNS
from catalog.dataset import DataSet
from models.ranker import Ranker
from models.rerank.exploration import Exploration
from pipelines.inputs import StepMissing
from pipelines.off_policy import NEW, WITHOUT, estimated
from pipelines.train import ranker_folder
from streamrank import clock
from streamrank.events.served import write_whole

NOW = 20_000 * DAY
ITEMS, USERS, REQUESTS, K, SHARE = 12, 60, 1_500, 5, 0.3
RATES = np.linspace(0.6, 0.1, ITEMS)[np.random.default_rng(5).permutation(ITEMS)]


@pytest.fixture(autouse=True)
def present(platform):
    with clock.use(clock.VirtualClock(NOW)):
        yield


def served(share: float = SHARE, whole: bool = False) -> tuple[list[dict], list[dict]]:
    """Rows of a served log and the events that followed: one list for all, its items explored, clicks by RATES.

    whole: with the candidates that were not returned.
    """
    random, rows, events = np.random.default_rng(3), [], []
    step, asked = Exploration(share, "epsilon"), context(items([None] * ITEMS), K)
    for number in range(REQUESTS):
        answer = step.apply(in_order(ITEMS), replace(asked, seed=number))
        at, user = NOW - 2 * DAY + number * 60_000_000, f"u{random.integers(USERS)}"
        for slot, place in enumerate(answer.places.tolist()):
            row = {"request_id": f"r{number}", "as_of": at, "user_id": user, "item_id": f"i{place}", "returned": True}
            row |= {"score": 0.0, "model_version": "1", "seed": number, "rate": RATES[place]}
            if slot >= K:
                rows += [row | {"returned": False}] if whole else []
                continue
            row |= {"slot": slot + 1, "propensity": answer.propensity[slot], "changes": answer.changes.get(place)}
            rows.append(row)
            shown = {"user_id": user, "item_id": f"i{place}", "event_time": at + 1_000}
            events.append(shown | {"event_type": "impression", "request_id": f"r{number}"})
            if random.random() < RATES[place]:
                events.append(shown | {"event_type": "click", "event_time": at + 2_000})
    return rows, events


def write(data: DataSet, rows: list[dict], folder: str = "served_on=2024-10-01") -> None:
    instants = [row | {"as_of": np.datetime64(row["as_of"], "us").item()} for row in rows]
    schema = COLUMNS.append(pa.field("rate", pa.float32()))
    arrays = [pa.array([row.get(field.name) for row in instants], field.type) for field in schema]
    write_whole(pa.Table.from_arrays(arrays, schema=schema), data.served / folder / "part.parquet")


@pytest.fixture
def found(present) -> dict:
    rows, events = served()
    data = make_data_set(events)
    write(data, rows)
    return estimated(data)


def test_the_list_without_exploration_is_worth_what_it_would_have_earned(found):
    told = found["policies"][WITHOUT]
    truth = RATES[:3].mean()  # of 5 slots 1 or 2 explore: the first three hold the first items whatever is drawn
    assert told["slots"] == "1 to 3"
    for name in ("ips", "snips", "dr"):
        assert told["estimates"][name]["low"] < truth < told["estimates"][name]["high"]
    assert told["support"]["mean_weight"] == pytest.approx(1, abs=0.05)


def test_a_doubly_robust_interval_is_no_wider_than_that_of_weights_alone(found):
    widths = {name: of["high"] - of["low"] for name, of in found["policies"][WITHOUT]["estimates"].items()}
    assert widths["dr"] < widths["ips"]


def test_what_explored_slots_earn_stands_beside_the_others(found):
    told = found["exploration"]
    pool = np.mean([RATES[3:].mean(), RATES[4:].mean()])  # behind the first 3 or 4 items, alike often
    assert told["share"] == pytest.approx(SHARE, abs=0.02)
    assert told["explored"]["low"] < pool < told["explored"]["high"]
    assert told["others"]["low"] < others() < told["others"]["high"]


def others() -> float:
    """What slots earn that do not explore, each slot counting alike: over all choices of 1 or 2 of 5 that explore."""
    by_slot = [[] for _ in range(K)]
    for explores in [*combinations(range(K), 1)] * 2 + [*combinations(range(K), 2)]:  # 5 and 10: alike often
        for rank, slot in enumerate(slot for slot in range(K) if slot not in explores):
            by_slot[slot].append(RATES[rank])
    return float(np.mean([np.mean(rates) for rates in by_slot]))


def test_a_new_ranker_is_worth_what_its_own_lists_would_have_earned_as_far_as_the_log_covers_them():
    rows, events = served(whole=True)
    data = make_data_set(events)
    write(data, rows)
    matrix = RATES.astype(np.float32)[:, None]
    trees = xgboost.train({"max_depth": 4, "lambda": 0, "nthread": 1}, xgboost.DMatrix(matrix, RATES), 60)
    Ranker.of(trees, ["rate"], {}).save(ranker_folder(data))
    told = estimated(data)["policies"][NEW]
    shown = [best_first(seed) for seed in range(2_000)]
    covered = np.array([[could_stand(place, slot) for slot, place in enumerate(places)] for places in shown])
    earned = RATES[np.array(shown)]
    assert told["covered"] == pytest.approx(covered.mean(), abs=0.1)
    ips, snips = told["estimates"]["ips"], told["estimates"]["snips"]
    assert ips["low"] < (earned * covered).mean() < ips["high"]
    assert snips["low"] < earned[covered].mean() < snips["high"]


def best_first(seed: int) -> list[int]:
    """The items that are shown, those with the best rates ranked first, and then explored."""
    asked = replace(context(items([None] * ITEMS), K), seed=seed)
    return np.argsort(-RATES)[Exploration(SHARE, "epsilon").apply(in_order(ITEMS), asked).places[:K]].tolist()


def could_stand(place: int, slot: int) -> bool:
    """Whether the log could have shown an item there: of the first three, at most two slots below their own."""
    return place >= 3 or 0 <= slot - place <= 2


def test_without_whole_requests_a_new_ranker_is_not_judged_and_the_reason_is_told(found):
    assert "no trained ranker" in found["policies"][NEW]["reason"]


def test_a_click_counts_once_and_for_the_request_of_its_impression(found):
    assert found["rows"] == REQUESTS * K and found["requests"] == REQUESTS


def test_rows_whose_outcome_may_still_come_are_left_out():
    rows, events = served()
    data = make_data_set(events)
    write(data, [row | {"as_of": NOW - int(timedelta(minutes=5).total_seconds()) * 1_000_000} for row in rows])
    with pytest.raises(StepMissing, match="expected served rows older than 1:00:00 with propensities"):
        estimated(data)


def test_requests_for_which_nothing_was_drawn_tell_nothing():
    rows, events = served(share=0.0)
    data = make_data_set(events)
    write(data, rows)
    with pytest.raises(StepMissing, match="expected served rows"):
        estimated(data)


def test_a_log_without_propensities_is_named():
    data = make_data_set([{"event_type": "click", "user_id": "u", "item_id": "i", "event_time": NOW - DAY}])
    with pytest.raises(StepMissing, match=r"with propensities in .*, found 0 files without"):
        estimated(data)
