"""What a ranker keeps of its columns."""

from dataclasses import replace

import numpy as np
import pytest

from models.rankers import kinds
from models.rankers.examples import Examples
from models.rankers.measures import measured
from pipelines.telling import telling

WIDTH, TELLING = 30, (3, 17)


@pytest.fixture(scope="module")
def examples() -> Examples:
    return _drawn(5)


@pytest.mark.parametrize("kind", ["click", "lambdamart", "logistic"])
def test_what_decides_is_kept_and_what_is_chance_is_not(examples: Examples, kind: str) -> None:
    model = kinds.fit(kind, examples)
    assert telling(model, examples, 0.5) == ["f3", "f17"]
    assert len(telling(model, examples, 0.8)) < WIDTH


def test_the_whole_share_keeps_all_that_moves_anything(examples: Examples) -> None:
    model = kinds.fit("logistic", examples)
    assert telling(model, examples, 1.0) == examples.features


def test_a_kind_that_cannot_say_keeps_all(examples: Examples) -> None:
    class Mute:
        width = WIDTH

        def contributions(self, matrix: np.ndarray) -> None:
            return None

    assert telling(Mute(), examples) == examples.features


def test_the_ranker_orders_as_well_without_the_rest(examples: Examples) -> None:
    whole = kinds.fit("click", examples)
    kept = telling(whole, examples, 0.6)
    places = [examples.features.index(name) for name in kept]
    later = _drawn(6)
    of_all = measured(later, whole.score(later.matrix))["auc"]
    fewer = kinds.fit("click", replace(examples, matrix=examples.matrix[:, places], features=kept))
    assert measured(later, fewer.score(later.matrix[:, places]))["auc"] > of_all - 0.005


def _drawn(seed: int) -> Examples:
    draw = np.random.default_rng(seed)
    matrix = draw.normal(size=(4_000, WIDTH)).astype(np.float32)
    labels = (matrix[:, TELLING].sum(axis=1) + draw.normal(size=4_000) > 0).astype(np.int8)
    groups = np.repeat(np.arange(400), 10)
    return Examples(matrix, labels, groups, groups.astype(np.int64), features=[f"f{n}" for n in range(WIDTH)])
