from dataclasses import replace

import numpy as np
import tastes

from models.retrieval import als, index
from models.retrieval.als import Als
from models.viewer import Viewer

ACTS = tastes.acts()
SOURCE = Als.fit(ACTS, tastes.items())
VECTORS = SOURCE.vectors(ACTS)


def test_the_stored_vector_of_a_user_is_the_fold_in_of_their_acts():
    for user in range(5):
        np.testing.assert_allclose(SOURCE.vector(tastes.viewer(ACTS, user)), VECTORS[user], atol=1e-5)


def test_a_stored_vector_of_this_fit_is_used_as_it_is():
    stored = np.full(VECTORS.shape[1], 7, np.float32)
    viewer = replace(tastes.viewer(ACTS, 0), vector=stored, version=SOURCE.version)
    assert SOURCE.vector(viewer) is stored


def test_a_stored_vector_of_another_fit_or_older_than_an_act_gives_way_to_a_fold_in():
    viewer = replace(tastes.viewer(ACTS, 0), vector=VECTORS[1], version="of another fit")
    np.testing.assert_allclose(SOURCE.vector(viewer), VECTORS[0], atol=1e-5)
    acted = replace(viewer, version=SOURCE.version, times=viewer.times + SOURCE.until)
    np.testing.assert_allclose(SOURCE.vector(acted), VECTORS[0], atol=1e-5)


def test_five_picks_make_a_personal_list_without_a_history():
    second_half = tastes.ITEMS // 2
    picked = Viewer(picked=np.arange(second_half, second_half + 5))
    allowed = np.ones(tastes.ITEMS, bool)
    allowed[picked.picked] = False
    assert (SOURCE.find(picked, tastes.moment(), allowed, 10).places >= second_half).all()


def test_a_version_names_one_fit():
    fewer = Als.fit(ACTS.only(slice(0, len(ACTS) - 3)), tastes.items())
    assert fewer.version != SOURCE.version == Als.fit(ACTS, tastes.items()).version


def test_beyond_what_is_looked_at_in_full_an_index_finds_the_same_on_about_the_same_scale(monkeypatch, tmp_path):
    exact = Als.fit(ACTS, tastes.items())
    monkeypatch.setattr(als, "EXACT_UP_TO", 10)
    monkeypatch.setattr(index, "EXACT_UP_TO", 10)
    large = Als.fit(ACTS, tastes.items())
    large.save(tmp_path)
    viewer, every = tastes.viewer(ACTS, 0), np.ones(tastes.ITEMS, bool)
    for source in (large, Als.load(tmp_path, tastes.items())):
        found, want = (one.find(viewer, tastes.moment(), every, 10) for one in (source, exact))
        assert set(found.places.tolist()) == set(want.places.tolist())
        np.testing.assert_allclose(found.of(want.places), want.scores, rtol=0.01)
        np.testing.assert_array_equal(found.of(found.places), found.scores)
