"""Steps run where they are missing or out of date, and nowhere else."""

import pyarrow.parquet as pq
from histories import DAY, event_table
from learning_world import NOW, impressions

from pipelines import steps
from pipelines.candidates import find_candidates
from pipelines.point_in_time import historical_features
from pipelines.steps import bring_up_to_date
from pipelines.train import trained_recommender
from pipelines.vectors import KEPT, add_vectors
from streamrank.events.log import EventLog


def test_nothing_runs_twice(trained):
    told = []
    assert bring_up_to_date(trained, "train", told=told.append) == [] and told == []


def test_a_step_that_is_missing_runs_and_says_so(trained):
    (trained.features / "item_daily.parquet").unlink()
    told = []
    assert bring_up_to_date(trained, "apply", told=told.append) == ["features"] and told == ["features: missing"]


def test_new_events_ask_for_features_and_a_training_set_anew_but_not_for_views(trained):
    last = {**impressions()[-1], "event_id": "new", "event_time": NOW - 3 * DAY, "log_position": 1_000_000}
    EventLog(trained.events).append(event_table([last]), "more", 1)
    told = []
    ran = bring_up_to_date(trained, "training-set", told=told.append)
    assert ran == ["features", "training-set"] and told == ["features: out of date", "training-set: out of date"]


def test_a_change_of_the_feature_repo_asks_for_views_and_a_training_set_anew(trained, monkeypatch):
    monkeypatch.setattr(steps, "CHECKOUT", trained.home)  # whose feature_repo has no file at all
    assert steps._reason(trained, steps.STEPS[1]) == "out of date"
    assert steps._reason(trained, steps.STEPS[2]) == "out of date"


def test_every_fit_leaves_a_vector_a_user_that_later_rows_see(trained):
    rows = pq.read_table(trained.features / "user_vectors.parquet")
    fits = {(row["event_timestamp"], row["vector_version"]) for row in rows.to_pylist()}
    assert 2 <= len(fits) <= KEPT and rows["created"].equals(rows["event_timestamp"])
    made = trained_recommender(trained)
    (als,) = [source for source in made.sources.sources if source.name == "als"]
    latest = max(fits)
    assert latest[1] == als.version
    asked = rows.slice(0, 1).select(["user_id"]).append_column("event_timestamp", [[latest[0]]])
    found = historical_features(asked, "viewer").to_pylist()[0]
    assert found["vector_version"] == als.version and len(found["user_vector"]) == als.factors.shape[1]


def test_a_fit_that_is_made_again_takes_its_own_place(trained):
    file = trained.features / "user_vectors.parquet"
    before = pq.read_table(file)
    add_vectors(trained, before)
    assert pq.read_table(file).equals(before)


def test_nightly_candidates_are_a_feature_of_every_active_user(trained):
    users = find_candidates(trained)
    rows = pq.read_table(trained.features / "user_candidates.parquet")
    assert rows.num_rows == users > 20 and set(rows["candidates_at"].to_pylist()) == {NOW}
    first = rows.to_pylist()[0]
    assert len(first["candidate_items"]) == len(set(first["candidate_items"])) == len(first["candidate_scores"]) > 5
    assert first["candidate_scores"] == sorted(first["candidate_scores"], reverse=True)
    assert find_candidates(trained, active_days=1) < users
