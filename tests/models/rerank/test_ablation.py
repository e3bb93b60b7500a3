from models.rerank.ablation import choices
from models.rerank.diversity import Diversity
from models.rerank.hidden import Hidden


def test_each_step_is_run_alone_between_none_and_all():
    hidden, spread = Hidden(), Diversity(2, None)
    assert list(choices([hidden, spread]).items()) == [
        ("no step", ()), ("only hidden", (hidden,)), ("only diversity", (spread,)), ("all steps", (hidden, spread)),
    ]  # fmt: skip
