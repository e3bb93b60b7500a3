"""Packed rows: every Feast type survives them, old layouts are read by name, and what is no row is refused."""

import re
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from feast import Entity, FeatureView, Field, ValueType
from feast.type_map import python_values_to_proto_values
from feast.types import Array, Bool, Float32, Float64, Int32, Int64, String, UnixTimestamp
from feast_types import TYPES, Typed, arrow_array
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streamrank.stores.packed_view import PackedView
from streamrank.stores.packing.columns import Stored
from streamrank.stores.packing.errors import CorruptValue, FieldMismatch
from streamrank.stores.packing.from_protos import from_protos
from streamrank.stores.packing.layout import Layout
from streamrank.stores.packing.to_protos import values_of

ITEM = Entity(name="item", join_keys=["item_id"], value_type=ValueType.STRING)
TIMES = [10, 20, 30, 40, 50]


def view(fields: dict, **options) -> PackedView:
    schema = [Field(name="item_id", dtype=String), *(Field(name=name, dtype=dtype) for name, dtype in fields.items())]
    options = {"name": "v", "entities": [ITEM], "schema": schema, "source": None, **options}
    return PackedView.of("p", FeatureView(**options), versioning=False)


def packed(packed_view: PackedView, columns: dict) -> pa.LargeBinaryArray:
    first = next(iter(columns.values()))
    n = len(first.valid) if isinstance(first, Stored) else len(first)
    return packed_view.pack(columns, np.arange(n) * 10, np.arange(n) * 10 + 1)


def layouts(*views: PackedView) -> dict[int, Layout]:
    return {each.layout.id: each.layout for each in views}


@pytest.mark.parametrize("typed", TYPES, ids=str)
@settings(max_examples=25)
@given(data=st.data())
def test_a_row_alone_is_what_it_is_among_others(typed: Typed, data):
    rows = data.draw(st.lists(st.none() | typed.values, min_size=2, max_size=6))
    of = view({"f": typed.dtype, "s": Array(String)})
    protos = python_values_to_proto_values(rows, typed.dtype.to_value_type())
    lists = pa.array([["a", "b"][: at % 3] if at % 4 else None for at in range(len(rows))], pa.list_(pa.string()))
    values = packed(of, {"f": from_protos(of.kinds["f"], protos), "s": lists})
    whole = of.unpack(values, ["f", "s"], layouts(of))
    for at in range(len(rows)):
        alone = of.unpack(values[at : at + 1], ["f", "s"], layouts(of))
        assert alone.columns["s"].equals(whole.columns["s"][at : at + 1])
        assert repr(alone.columns["f"].to_pylist()) == repr(whole.columns["f"][at : at + 1].to_pylist())
        assert alone.event_us.tolist() == [10 * at] and alone.known("f").all()


@pytest.mark.parametrize("typed", TYPES, ids=str)
@settings(max_examples=25)
@given(data=st.data())
def test_feast_s_values_come_back_as_they_went_in(typed: Typed, data):
    rows = data.draw(st.lists(st.none() | typed.values, min_size=1, max_size=6))
    protos = python_values_to_proto_values(rows, typed.dtype.to_value_type())
    of = view({"x": Float32, "f": typed.dtype, "s": String})
    x, s = pa.array(np.arange(len(rows)), pa.float32()), pa.array([str(at) for at in range(len(rows))])
    values = packed(of, {"x": x, "f": from_protos(of.kinds["f"], protos), "s": s})
    found = of.rows(values, ["f", "s", "x"], layouts(of))
    assert values_of(of.kinds["f"], found.stored["f"]) == protos
    assert of.unpack(values, ["s"], layouts(of)).columns["s"].equals(s)
    assert found.stored["x"].values.tolist() == x.to_pylist()
    assert found.known["f"].all() and found.found.all()


@pytest.mark.parametrize("typed", TYPES, ids=str)
@settings(max_examples=25)
@given(data=st.data())
def test_arrow_columns_give_the_bytes_of_feast_s_rows(typed: Typed, data):
    rows = data.draw(st.lists(st.none() | typed.values, min_size=1, max_size=6))
    array = arrow_array(typed, rows)
    of = view({"f": typed.dtype})
    protos = python_values_to_proto_values(rows, typed.dtype.to_value_type())
    assert packed(of, {"f": array}).equals(packed(of, {"f": from_protos(of.kinds["f"], protos)}))


@pytest.mark.parametrize("typed", [each for each in TYPES if not str(each).startswith("Set")], ids=str)
@settings(max_examples=25)
@given(data=st.data())
def test_arrow_columns_come_back_as_they_went_in(typed: Typed, data):
    rows = data.draw(st.lists(st.none() | typed.values, min_size=1, max_size=6))
    array = arrow_array(typed, rows)
    of = view({"f": typed.dtype})
    found = of.unpack(packed(of, {"f": array}), ["f"], layouts(of)).columns["f"]
    assert ordered(found.to_pylist()) == ordered(array.to_pylist())
    assert of.kinds["f"].arrow in (None, found.type)


def ordered(value):
    """Maps keep no order."""
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return sorted(value)
    return [ordered(each) for each in value] if isinstance(value, list) else value


FIELDS = {
    "i": Int64, "f": Float32, "d": Float64, "b": Bool, "t": UnixTimestamp, "s": String, "v": Array(Float32), "h": Int32,
}  # fmt: skip


@st.composite
def shapes(draw):
    """A declaration: some of the features, in any order, each of any of the types."""
    names = draw(st.permutations(sorted(FIELDS)))[: draw(st.integers(1, len(FIELDS)))]
    return {name: draw(st.sampled_from(sorted(set(FIELDS.values()), key=str))) for name in names}


def column(dtype, n: int, seed: int) -> list:
    each = np.random.default_rng(seed).integers(-50, 50, n).tolist()
    made = {"Bool": lambda v: v > 0, "String": str, "Array(Float32)": lambda v: [v / 2] * (abs(v) % 3)}
    made = made.get(str(dtype), lambda v: v)
    return [None if value % 7 == 0 else made(value) for value in each]


@given(st.lists(shapes(), min_size=1, max_size=3), shapes(), st.integers(0, 99))
def test_values_of_several_layouts_are_read_by_name_and_type(written, asked, seed):
    now, n, chunks, expected = view(asked), 5, [], {name: [] for name in asked}
    for fields in written:
        columns = {name: column(dtype, n, seed) for name, dtype in fields.items()}
        typed = {name: pa.array(values, view(fields).kinds[name].arrow) for name, values in columns.items()}
        chunks.append(view(fields).pack(typed, np.array(TIMES), np.array(TIMES)))
        for name in asked:
            same = str(fields.get(name)) == str(asked[name])
            expected[name] += typed[name].to_pylist() if same else [None] * n
        chunks.append(pa.nulls(1, pa.large_binary()))
        expected = {name: [*values, None] for name, values in expected.items()}
    values = pa.concat_arrays(chunks)
    order = np.random.default_rng(seed).permutation(len(values))
    known = layouts(now, *map(view, written))
    found = now.unpack(values.take(pa.array(order)), list(asked), known)
    assert {name: array.to_pylist() for name, array in found.columns.items()} == {
        name: [values[at] for at in order] for name, values in expected.items()
    }
    assert found.event_us.tolist() == [([*TIMES, 0] * len(written))[at] for at in order]
    numeric = [name for name, dtype in asked.items() if dtype in (Int64, Int32, Float32, Float64, Bool)]
    matrix, *_ = now.matrix(values.take(pa.array(order)), numeric, known)
    as_floats = [found.columns[name].cast(pa.float32()).fill_null(np.nan).to_numpy() for name in numeric]
    np.testing.assert_array_equal(matrix, np.stack(as_floats, axis=1) if numeric else matrix)


def test_a_matrix_is_the_columns_as_float32():
    of = view({name: FIELDS[name] for name in "ifdbh"})
    columns = {
        "i": pa.array([1, None, 3]), "f": pa.array([0.5, 1.5, None], pa.float32()), "d": pa.array([1e300, 0.1, -1.0]),
        "b": pa.array([True, None, False]), "h": pa.array([None, 7, 8], pa.int32()),
    }  # fmt: skip
    matrix, found, event_us, created_us = of.matrix(packed(of, columns), list("hbdfi"), layouts(of))
    nan = np.nan
    expected = [[nan, 1, np.inf, 0.5, 1], [7, nan, np.float32(0.1), 1.5, nan], [8, 0, -1, nan, 3]]
    np.testing.assert_array_equal(matrix, np.array(expected, np.float32))
    assert found.all() and event_us.tolist() == [0, 10, 20] and created_us.tolist() == [1, 11, 21]


def test_a_matrix_refuses_text():
    of = view({"s": String})
    with pytest.raises(TypeError, match=r"s \(String\)"):
        of.matrix(packed(of, {"s": pa.array(["a"])}), ["s"], layouts(of))


@given(st.binary(max_size=80), st.integers(0, 2))
@example(b"\x80" + b"\0" * 25, 2)  # text that is no UTF-8
def test_bytes_that_are_no_row_are_refused_or_read_within_their_bounds(junk, kept):
    of = view({"f": Float32, "s": String, "v": Array(Int64), "l": Array(String)})
    row = packed(of, {"f": pa.array([1.0]), "s": pa.array(["a"]), "v": pa.array([[1, 2]]), "l": pa.array([["a", ""]])})
    broken = pa.array([row[0].as_py()[: 24 * kept] + junk], pa.large_binary())
    try:
        found = of.unpack(broken, list("fsvl"), layouts(of), pa.array([b"the key"], pa.large_binary()))
    except CorruptValue as error:
        assert "'v'" in str(error) and "the key" in str(error) and "materialize" in str(error)
    else:
        assert all(len(array) == 1 for array in found.columns.values())


def test_every_cut_of_a_row_is_refused():
    of = view({"f": Float32, "s": String})
    whole = packed(of, {"f": pa.array([1.0]), "s": pa.array(["text"])})[0].as_py()
    for end in range(len(whole)):
        with pytest.raises(CorruptValue):
            of.unpack(pa.array([whole[:end]], pa.large_binary()), ["s"], layouts(of))


def test_an_unknown_layout_is_refused_by_its_id():
    of, other = view({"f": Float32}), view({"f": Float64})
    with pytest.raises(CorruptValue, match=f"unknown layout {other.layout.id:016x}"):
        of.matrix(packed(other, {"f": pa.array([1.0])}), ["f"], layouts(of))


@pytest.mark.parametrize(
    ("dtype", "wrong"),
    [
        (Int32, pa.array([2**31])), (Int64, pa.array([1.5])), (Float32, pa.array(["a"])), (Bool, pa.array([2])),
        (String, pa.array([1.5])), (UnixTimestamp, pa.array(["2020-01-01"])), (Array(Int64), pa.array([1])),
        (UnixTimestamp, pa.array([2**60])), (Array(Float32), pa.array([["a"]])),
    ],
)  # fmt: skip
def test_a_column_that_does_not_fit_its_field_is_refused_by_name(dtype, wrong):
    with pytest.raises(FieldMismatch, match=re.escape(f"'v', feature 'f': expected {dtype}")):
        packed(view({"f": dtype}), {"f": wrong})


def test_a_missing_column_is_refused_by_name():
    with pytest.raises(FieldMismatch, match="'v', feature 'f': expected a column"):
        packed(view({"f": Float32}), {"g": pa.array([1.0])})


def test_keys_tell_projects_views_and_components_apart():
    of = view({"f": Float32}, name="a:b", ttl=timedelta(hours=1))
    assert of.ttl_us == 3_600_000_000
    assert of.prefix == b"streamrank:p:a%3Ab:" and of.layouts_key == b"streamrank:p:a%3Ab!layouts"
    keys = of.keys({"item_id": ["a", None, "", "ab"]})
    assert keys.to_pylist() == [
        of.prefix + b"s\x01\0\0\0a", None, of.prefix + b"s\0\0\0\0", of.prefix + b"s\x02\0\0\0ab",
    ]  # fmt: skip
    pairs = [Entity(name=name, join_keys=[name], value_type=ValueType.STRING) for name in "ab"]
    both = view({}, entities=pairs, schema=[Field(name=name, dtype=String) for name in "ba"])
    assert len(set(both.keys({"a": ["x", "xy", ""], "b": ["yz", "z", "xyz"]}).to_pylist())) == 3


def test_integer_keys_do_not_depend_on_the_integer_s_type():
    item = Entity(name="i", join_keys=["i"], value_type=ValueType.INT64)
    of = view({}, entities=[item], schema=[Field(name="i", dtype=Int64)])
    expected = of.prefix + b"q" + (7).to_bytes(8, "little")
    for values in ([7], pa.array([7], pa.int32()), pa.array([7], pa.uint8()), ["7"], [7.0], np.array([7])):
        assert of.keys({"i": values}).to_pylist() == [expected]
    with pytest.raises(FieldMismatch, match=r"'v', join key 'i': expected Int64"):
        of.keys({"i": ["seven"]})
    with pytest.raises(FieldMismatch, match=r"expected join keys \['i'\]"):
        of.keys({"j": [7]})


def test_a_view_without_entities_has_one_key():
    of = view({"f": Float32}, entities=[], schema=[Field(name="f", dtype=Float32)])
    assert of.keys({}, rows=2).to_pylist() == [of.prefix, of.prefix]
