from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import tastes

from models.retrieval.profile import FEWEST, Profile
from models.retrieval.source import StepsAside
from models.viewer import Viewer

EVERY = np.arange(tastes.ITEMS)
ALL = np.ones(tastes.ITEMS, bool)
HALF = tastes.ITEMS // 2


def acts(traits=None):
    """Users of the one taste are young and live in the one country; one of them alone has a rare hobby."""
    told = [[f"age:{'young' if user % 2 else 'old'}", "country:nl"] for user in range(tastes.USERS)]
    told[1] = [*told[1], "hobby:chess"]
    return replace(tastes.acts(), traits=pa.array(told if traits is None else traits, pa.list_(pa.string())))


@pytest.fixture(scope="module")
def source():
    return Profile.fit(acts(), tastes.items())


def found(source, viewer, allowed=ALL, most=10):
    return source.find(viewer, tastes.moment(), allowed, most)


def test_a_new_user_gets_what_is_popular_among_people_of_their_profile(source):
    young, old = (found(source, Viewer(traits=(f"age:{age}",))) for age in ("young", "old"))
    assert (young.places >= HALF).all() and (old.places < HALF).all()
    popular = np.bincount(tastes.acts().items, minlength=tastes.ITEMS)
    assert popular[young.places].mean() > popular[HALF:].mean()


def test_of_what_others_found_for_a_known_viewer_it_says_how_it_fits(source):
    viewer = replace(tastes.viewer(acts(), 1))
    assert "age:young" in viewer.traits and len(viewer.items)
    answer = found(source, viewer)
    fits = answer.of(EVERY)
    acted_on = np.bincount(tastes.acts().items, minlength=tastes.ITEMS) > 0
    assert not len(answer.places)
    assert (fits[HALF:][acted_on[HALF:]] > 0).all() and (fits[:HALF][acted_on[:HALF]] < 0).all()


def test_a_trait_that_everybody_has_says_nothing(source):
    fits = found(source, replace(tastes.viewer(acts(), 1), traits=("country:nl",))).of(EVERY)
    np.testing.assert_allclose(fits, 0, atol=0.1)


def test_traits_of_few_and_unknown_ones_say_nothing(source):
    assert "hobby:chess" not in source.names.to_pylist() and FEWEST > 1
    for traits in ((), ("hobby:chess",), ("planet:mars",)):
        answer = found(source, Viewer(traits=traits))
        assert not len(answer.places) and np.isnan(answer.of(EVERY)).all()


def test_how_many_traits_are_told_does_not_change_what_an_unknown_one_adds(source):
    one = found(source, Viewer(traits=("age:young",)))
    more = found(source, Viewer(traits=("planet:mars", "age:young", "age:young")))
    np.testing.assert_array_equal(one.of(EVERY[one.places]), more.of(EVERY[one.places]))


def test_only_allowed_items_are_proposed_and_new_ones_are_unknown(source):
    allowed = np.append(EVERY % 3 == 0, True)
    answer = found(source, Viewer(traits=("age:old",)), allowed, most=99)
    assert allowed[answer.places].all() and (answer.places < tastes.ITEMS).all() and len(answer.places) == 20
    assert np.isnan(answer.of(np.array([tastes.ITEMS]))).all()


def test_what_is_saved_says_the_same(source, tmp_path):
    source.save(tmp_path)
    loaded, viewer = Profile.load(tmp_path, tastes.items()), Viewer(traits=("age:old", "country:nl"))
    np.testing.assert_array_equal(found(loaded, viewer).of(EVERY), found(source, viewer).of(EVERY))


@pytest.mark.parametrize("traits", [None, [None] * tastes.USERS, [["country:nl"]] * tastes.USERS])
def test_it_steps_aside_where_no_traits_tell_users_apart(traits):
    given = tastes.acts() if traits is None else acts(traits)
    with pytest.raises(StepsAside, match="profile: needs two traits"):
        Profile.fit(given, tastes.items())
