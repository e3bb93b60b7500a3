"""What a view of latest acts may declare, and what it is told otherwise."""

import pytest
from feast import Field
from feast.types import Array, Float32, Int64, String, UnixTimestamp
from latest_views import FIELDS, SQL, declared, feature_view

from streamrank.latest.source import LatestSource
from streamrank.latest.spec import is_latest, latest_view
from streamrank.stream.views import check, is_streamed, streamed_view
from streamrank.windows.errors import DeclarationError


def test_a_view_over_a_latest_source_is_one_of_latest_acts():
    view = feature_view()
    assert is_latest(view) and is_streamed(view)
    found = streamed_view(view)
    assert (found.name, found.join_keys, found.most, found.ttl_us) == ("acts", ("user_id",), 3, 0)
    assert found.columns == {"word": String, "amount": Float32, "size": Int64}


def test_the_source_comes_back_from_the_registry_as_it_was():
    source = feature_view().batch_source
    assert LatestSource.from_proto(source.to_proto()) == source
    assert LatestSource.from_proto(source.to_proto()) != feature_view(most=4).batch_source


@pytest.mark.parametrize(
    "options",
    [{"most": 4}, {"sql": SQL + " WHERE amount > 0"}, {"fields": {"word": Array(String)}},
     {"fields": {**FIELDS, "amount": Array(Int64)}, "sql": SQL.replace("amount", "amount::BIGINT AS amount")}],
)  # fmt: skip
def test_whatever_changes_stored_rows_changes_the_fingerprint(options):
    assert declared(**options).fingerprint != declared().fingerprint
    assert declared(log="/elsewhere").fingerprint == declared().fingerprint


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"most": 0}, "most: expected 1 to 10,000, found 0"),
        ({"most": 10_001}, "found 10001"),
        ({"fields": {"word": String}}, "feature 'word': expected an Array of"),
        ({"fields": {"word": Array(UnixTimestamp)}}, "feature 'word': expected an Array of"),
        ({"fields": {"amount": Array(String)}}, "feature 'amount': expected a column that an Array of String takes"),
        ({"fields": {"price": Array(Float32)}}, "feature 'price': expected a column of this name"),
        ({"fields": {}}, "expected a Field for each column"),
        ({"fields": {"shard": Array(Int64)}}, "feature 'shard': expected another name than"),
        ({"sql": SQL.replace("user_id, unnest", "unnest")}, "expected join keys"),
        ({"sql": SQL + " LIMIT 3"}, "one event at a time, found LIMIT"),
        ({"sql": SQL.replace("log_position,", "log_position + 1 AS log_position,")}, "'log_position' of the event"),
        ({"sql": SQL.replace("FROM events", "FROM events, items")}, "FROM events"),
    ],
)
def test_a_declaration_that_cannot_be_the_same_online_and_offline_is_refused(options, told):
    with pytest.raises(DeclarationError, match=told):
        check([feature_view(**options)])


def test_without_a_log_types_are_not_known_and_nothing_is_refused():
    view = latest_view(feature_view(columns={}))
    assert view.columns == declared().columns


def test_other_views_pass():
    check([Field(name="of no view at all", dtype=String)])
