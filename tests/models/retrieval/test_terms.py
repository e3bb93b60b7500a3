import numpy as np
import pyarrow as pa
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from catalog.schema import ITEMS
from models.items import Items
from models.retrieval.terms import FIELDS, terms_of

TITLES = ["The Red House", "Red, red wine", "House of the rising sun", "Wine & sun", "Ünder the sun", None]


def items(**columns: list) -> Items:
    count = len(next(iter(columns.values())))
    columns = {"item_id": [f"i{place}" for place in range(count)], **columns}
    return Items(pa.Table.from_pydict({
        field.name: pa.array(columns.get(field.name, [None] * count), field.type) for field in ITEMS
    }))  # fmt: skip


def test_words_weigh_as_in_scikit_learn():
    found = items(title=TITLES)
    terms = terms_of(found)
    theirs = TfidfVectorizer(min_df=2, sublinear_tf=True, token_pattern=r"[^\W_]+")
    want = theirs.fit_transform([title or "" for title in TITLES]).toarray()
    names = [name.removeprefix(f"{FIELDS.index('words')}:") for name in terms.names.to_pylist()]
    assert names == theirs.get_feature_names_out().tolist()
    np.testing.assert_allclose(terms.matrix(found).toarray(), want, rtol=1e-6)


def test_each_field_has_a_vector_of_length_one():
    found = items(
        title=["a b", "a b", "b c"], topics=[["x", "y"], ["x"], ["y", "y"]], creator_id=["a", "a", "b"],
        cast=[["p"], None, ["p", "q"]], language=["en", "en", None],
    )  # fmt: skip
    terms = terms_of(found)
    cells = terms.matrix(found).toarray() ** 2
    lengths = np.stack([cells[:, terms.fields == field].sum(axis=1) for field in range(len(FIELDS))], axis=1)
    assert lengths.round(5).tolist() == [[1, 1, 1, 1, 1], [1, 1, 0, 1, 1], [1, 0, 1, 0, 1]]


def test_a_creator_is_not_a_word():
    terms = terms_of(items(title=["red", "red"], creator_id=["red", "red"]))
    assert sorted(terms.names.to_pylist()) == ["1:red", "4:red"]


def test_what_only_one_item_has_tells_nothing():
    assert len(terms_of(items(title=["one", "two", ""], topics=[["x"], [""], [None]]))) == 0


@pytest.mark.parametrize("field", ["topics", "creator_id"])
def test_places_of_a_fields_terms(field):
    value = [["x"], ["x"]] if field == "topics" else ["x", "x"]
    terms = terms_of(items(**{field: value}))
    assert terms.places(field) == {"x": 0} and terms.places("cast") == {}
