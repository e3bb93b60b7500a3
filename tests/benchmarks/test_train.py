"""`streamrank bench train` at a tiny size: all kinds measured, and the click model is plain XGBoost's."""

from benchmarks.train.bench import Sizes, bench
from models.rankers.kinds import KINDS


def test_every_kind_is_measured_or_told_to_step_aside_and_the_answers_agree():
    figure = bench(Sizes(rows=1_000, features=6, rounds=3)).as_dict()
    assert figure["agree"] is True and figure["bench"] == "train"
    assert set(figure["kinds"]) | set(figure["aside"]) == set(KINDS)
    measured = [each["ours"] for each in figure["kinds"].values()]
    assert all(each["rows_per_s"] > 0 and each["score_ms"] > 0 for each in measured)
