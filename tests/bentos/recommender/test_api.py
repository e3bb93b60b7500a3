"""Ids have the type that the data set's ids had."""

import pytest
from pydantic import ValidationError

from bentos.recommender.api import api_of
from catalog.dataset import Manifest


def manifest(user_ids: str, item_ids: str) -> Manifest:
    return Manifest("any", "files", user_ids=user_ids, item_ids=item_ids)


def test_integer_ids_are_integers_and_come_back_as_such():
    api = api_of(manifest("integer", "integer"))
    assert api.Request(user_id=7, candidates=[1, 2]).candidates == [1, 2]
    assert api.as_id("12") == 12
    for bad in ("7", 7.0, True, None, 2**63):
        with pytest.raises(ValidationError, match="user_id"):
            api.Request(user_id=bad)


def test_string_ids_are_strings_and_come_back_as_such():
    api = api_of(manifest("string", "string"))
    assert api.Request(user_id="007", candidates=["01"]).user_id == "007"
    assert api.as_id("01") == "01"
    for bad in (7, "", "x" * 257, None):
        with pytest.raises(ValidationError, match="user_id"):
            api.Request(user_id=bad)


def test_users_and_items_may_differ():
    api = api_of(manifest("string", "integer"))
    assert api.Request(user_id="u", candidates=[1]).candidates == [1]
    with pytest.raises(ValidationError, match=r"candidates\.1"):
        api.Request(user_id="u", candidates=[1, "2"])
