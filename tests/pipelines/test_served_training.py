"""A model from the served log's own vectors, and one from recomputed ones: the same."""

import random

import audited_world
import numpy as np
import pyarrow as pa
import pytest
from audited_world import HOUR, MINUTE, NOW, AuditedWorld

from models.rankers import kinds
from pipelines.labels import LABELLED
from pipelines.served_training import Vectors, labelled_examples, vectors
from streamrank import clock
from streamrank.events.served import write_whole

FEATURES = ["views_10m", "views_1h", "watch_1h", "mean_watch_1h", "last_price", "daily_views", "share", "hour"]
FROM_A_SOURCE = "als_score"


@pytest.fixture(scope="module")
def world(tmp_path_factory, redis_server) -> AuditedWorld:
    made = audited_world.build(tmp_path_factory.mktemp("world"), redis_server)
    write_served(made, made.rows, [random.Random(5).random() for _ in made.rows])
    return made


def write_served(world: AuditedWorld, rows: list[dict], said: list[float]) -> None:
    """Replaces the served log; said: of each row, by a source of candidates."""
    for file in world.served.glob("*/*.parquet"):
        file.unlink()
    table = audited_world.served_table(rows).append_column(FROM_A_SOURCE, pa.array(said, pa.float32()))
    write_whole(table, world.served / "served_on=2026-01-02" / "all.parquet")


@pytest.fixture(autouse=True)
def present():
    with clock.use(clock.VirtualClock(NOW)):
        yield


def asked(world: AuditedWorld, recomputed: bool) -> Vectors:
    features = [*FEATURES, FROM_A_SOURCE]
    return vectors(world.store, world.service, world.served, world.log, features, recomputed)


def outcomes(world: AuditedWorld) -> pa.Table:
    """Of every other row an impression, wanted where the item is watched much."""
    rows = [row for place, row in enumerate(world.rows) if place % 2]
    told = [
        {"user_id": "u", "item_id": row["item_id"], "request_id": row["request_id"], "surface": "home",
         "shown_at": row["as_of"] + MINUTE, "known_at": row["as_of"] + HOUR, "weight": 1.0, "slot": place % 5 + 1.0,
         "label": int((row["views_1h"] or 0) > 2)}
        for place, row in enumerate(rows)
    ]  # fmt: skip
    return pa.Table.from_pylist(told, LABELLED)


def test_the_served_logs_own_vectors_and_recomputed_ones_give_the_same_model(world):
    logged, made = asked(world, False), asked(world, True)
    assert len(logged.rows) == len(world.rows)
    parameters = {"exactly": 20, "min_child_weight": 1}
    for kind in ("click", "lambdamart"):
        learned = [labelled_examples(found, outcomes(world)) for found in (logged, made)]
        grown = [kinds.fit(kind, examples, parameters).booster for examples in learned]
        assert len(grown[0].get_score()) > 2
        assert grown[0].save_raw() == grown[1].save_raw()


def test_rows_that_were_not_shown_teach_nothing_and_requests_are_groups(world):
    found = labelled_examples(asked(world, False), outcomes(world))
    assert len(found) == len(world.rows) // 2
    assert len(np.unique(found.groups)) == len({row["request_id"] for row in world.rows})
    assert (np.diff(found.groups) >= 0).all() and set(found.positions) == {1.0, 2.0, 3.0, 4.0, 5.0}


def test_an_impression_that_names_no_request_belongs_to_what_was_served_last(world):
    first = min(row["as_of"] for row in world.rows)
    told = {"user_id": "u", "item_id": "i1", "request_id": None, "surface": None, "known_at": first + HOUR,
            "weight": 1.0, "slot": None, "label": 1}  # fmt: skip
    rows = [told | {"shown_at": first + 1}, told | {"shown_at": first - 1}]
    found = labelled_examples(asked(world, False), pa.Table.from_pylist(rows, LABELLED))
    assert found.times.tolist() == [first] and found.labels.tolist() == [1]


def test_a_feature_that_was_never_served_is_named(world):
    with pytest.raises(ValueError, match=r"expected the features \['other'\]"):
        vectors(world.store, world.service, world.served, world.log, ["other"], False)


def test_recomputed_vectors_are_made_from_the_event_log_and_not_copied(world):
    write_served(world, [row | {"views_1h": 77.0} for row in world.rows], [0.5] * len(world.rows))
    place, source = FEATURES.index("views_1h"), len(FEATURES)
    logged, made = asked(world, False).matrix, asked(world, True).matrix
    assert (logged[:, place] == 77).all() and not (made[:, place] == 77).any()
    assert (made[:, source] == 0.5).all()
