"""What a view stores, read from its declaration; what makes its stored values others; what it is refused for."""

from datetime import timedelta

import pytest
from feast import Entity, Field, FileSource, PushSource, ValueType
from feast.aggregation import Aggregation
from feast.stream_feature_view import StreamFeatureView
from feast.types import Array, Float32, Int64, String
from windowed_views import ITEM, STAMPS, stream_view

from streamrank.windows.errors import DeclarationError
from streamrank.windows.slots import Ring, Slot
from streamrank.windows.spec import check, is_windowed, windowed_view

MINUTE = timedelta(minutes=1)
HOUR = 60 * MINUTE
ON = f'SELECT {STAMPS}, "on", views FROM events'
TITLE = Entity(name="title", join_keys=["title"], value_type=ValueType.STRING)
COLUMNS = "views, watch_ms, price"
KNOWN = {
    "item_id": "VARCHAR", "views": "INTEGER", "watch_ms": "BIGINT", "price": "DOUBLE", "title": "VARCHAR",
    "paid": "DECIMAL(9,2)",
}  # fmt: skip


def over(function: str, column: str, window=10 * MINUTE, slide=MINUTE, name: str | None = None) -> Aggregation:
    return Aggregation(column, function, window, slide, name)


def declared(*aggregations: Aggregation, columns: str = COLUMNS, **options) -> StreamFeatureView:
    return stream_view(aggregations, columns, **{"known": KNOWN, **options})


def fingerprint(*aggregations: Aggregation, **options) -> str:
    return windowed_view(declared(*aggregations, **options)).fingerprint


def test_windows_of_one_slide_share_a_ring_that_is_long_enough_for_the_longest():
    view = windowed_view(
        declared(
            over("mean", "watch_ms", 10 * MINUTE), over("count", "views", 30 * MINUTE),
            over("max", "price", HOUR, 5 * MINUTE), over("sum", "views", None, None, "ever"),
        )
    )  # fmt: skip
    assert view.rings == (
        Ring(60_000_000, 30, (Slot("count", "views"), Slot("count", "watch_ms"), Slot("sum", "watch_ms"))),
        Ring(300_000_000, 12, (Slot("max", "price"),)),
    )
    assert view.lifetime == (Slot("sum", "views"),)
    assert [feature.name for feature in view.features] == [
        "mean_watch_ms_600s",
        "count_views_1800s",
        "max_price_3600s",
        "ever",
    ]
    assert view.features[0].window_us == 600_000_000
    assert view.features[-1].window_us is None
    assert view.ttl_us == 0


def test_idle_keys_are_kept_for_the_longest_window_and_two_slides():
    view = windowed_view(declared(over("count", "views"), over("count", "views", HOUR, 5 * MINUTE)))
    assert view.ttl_us == 70 * 60_000_000


def test_keys_are_in_the_order_of_their_names():
    user = Entity(name="user", join_keys=["a_user_id"], value_type=ValueType.INT64)
    view = windowed_view(declared(over("count", "views"), entities=[ITEM, user], known=KNOWN | {"a_user_id": "BIGINT"}))
    assert view.join_keys == ("a_user_id", "item_id") == tuple(view.key_types)


def test_a_view_is_windowed_by_its_aggregations_over_events():
    assert is_windowed(declared(over("count", "views")))
    file = PushSource(name="file", batch_source=FileSource(path="x.parquet", timestamp_field="event_time"))
    plain = StreamFeatureView(
        name="plain", entities=[ITEM], source=file, timestamp_field="event_time", aggregations=[over("count", "views")],
        schema=[Field(name="item_id", dtype=String), Field(name="n", dtype=Int64)],
    )  # fmt: skip
    assert not is_windowed(plain)
    check([plain, ITEM, None])


def test_a_view_over_events_without_aggregations_is_refused():
    with pytest.raises(DeclarationError, match=r"view 'live'.*aggregations"):
        check([declared()])


def test_a_changed_declaration_of_stored_values_is_another():
    base = fingerprint(over("sum", "views"))
    others = [
        fingerprint(over("sum", "watch_ms")), fingerprint(over("max", "views")),
        fingerprint(over("sum", "views", 11 * MINUTE)), fingerprint(over("sum", "views", 10 * MINUTE, 2 * MINUTE)),
        fingerprint(over("sum", "views"), over("count", "views")), fingerprint(over("sum", "views", None, None)),
        fingerprint(over("sum", "views"), columns="views + 1 AS views"),
        fingerprint(over("sum", "views"), scales={"views": 0.1}),
        fingerprint(over("sum", "views"), scales={"views": 0.01}),
        fingerprint(over("sum", "views"), entities=[ITEM, TITLE]),
    ]  # fmt: skip
    assert len({base, *others}) == len(others) + 1


def test_a_change_that_stores_the_same_keeps_what_is_stored():
    base = fingerprint(over("sum", "views"), over("count", "views", 5 * MINUTE))
    assert fingerprint(over("count", "views", 5 * MINUTE), over("sum", "views")) == base
    assert fingerprint(over("sum", "views", name="other"), over("count", "views", 7 * MINUTE)) == base
    assert fingerprint(over("sum", "views"), over("count", "views", 5 * MINUTE), scales={"price": 0.01}) == base
    assert fingerprint(over("sum", "views"), over("count", "views", 5 * MINUTE), log="/moved") == base


@pytest.mark.parametrize(
    ("aggregation", "options", "told"),
    [
        (over("sum", "views", 10 * MINUTE, 3 * MINUTE), {}, "multiple of its slide_interval.*change"),
        (over("sum", "views", 10 * MINUTE, None), {}, "slide_interval below.*Feast fills.*write out"),
        (over("sum", "views", 10 * MINUTE, 10 * MINUTE), {}, "slide_interval below.*write out"),
        (over("sum", "views", MINUTE, 10 * MINUTE), {}, "multiple"),
        (over("sum", "views", None, MINUTE), {}, "time_window.*write it out"),
        (over("sum", "views", 1_001 * MINUTE, MINUTE), {}, "1000 slides.*1001.*lengthen"),
        (over("sum", "views", MINUTE, MINUTE / 120), {}, "at least 0:00:01.*lengthen"),
        (over("sum", "price"), {}, r"a scale.*'price' of DOUBLE.*scales=\{'price': 0.01\}.*CAST"),
        (over("mean", "price"), {}, "a scale"),
        (over("sum", "paid"), {"columns": "paid"}, "a scale"),
        (over("sum", "x"), {"columns": "watch_ms / 1000 AS x", "known": None}, "a scale"),
        (over("sum", "price"), {"scales": {"price": 0.3}}, "a step that divides 1.*0.3"),
        (over("sum", "price"), {"scales": {"price": 0}}, "a step that divides 1"),
        (over("count_distinct", "views"), {}, "'count_distinct'.*exact"),
        (over("median", "views"), {}, "'median'"),
        (over("", "views"), {}, "one of"),
        (over("sum", "clicks"), {}, "that the SQL of 'live_events' gives.*'clicks'.*SELECT"),
        (over("max", "title"), {"columns": "title"}, "numbers.*VARCHAR.*CAST"),
        (over("mean", "views"), {"dtype": Int64}, "Float32 or Float64.*INT64"),
        (over("sum", "price"), {"dtype": Int64, "scales": {"price": 0.01}}, "Float32 or Float64"),
        (over("sum", "views"), {"dtype": String}, "Int64, Int32, Float32 or Float64.*STRING"),
        (over("sum", "views"), {"dtype": Array(Float32)}, "Int64, Int32, Float32 or Float64"),
        (over("sum", "views"), {"schema": []}, "a Field of this name.*add the Field"),
    ],
)  # fmt: skip
def test_an_aggregation_that_cannot_run_exactly_is_refused_with_the_remedy(aggregation, options, told):
    if dtype := options.pop("dtype", None):
        options["types"] = {aggregation.resolved_name(aggregation.time_window): dtype}
    name = aggregation.resolved_name(aggregation.time_window)
    where = "source 'live_events', scale" if "divides" in told else f"view 'live', aggregation '{name}'"
    with pytest.raises(DeclarationError, match=rf"(?s){where}.*: expected .*{told}"):
        windowed_view(declared(aggregation, **options))


def test_a_field_without_an_aggregation_is_refused():
    view = declared(over("sum", "views"), schema=[Field(name=n, dtype=Float32) for n in ("sum_views_600s", "more")])
    with pytest.raises(DeclarationError, match=r"view 'live'.*none for \['more'\].*remove the Field"):
        windowed_view(view)


def test_two_aggregations_of_one_name_are_refused():
    with pytest.raises(DeclarationError, match=r"two named \['twice'\]"):
        windowed_view(declared(over("sum", "views", name="twice"), over("count", "views", name="twice")))


def test_sql_that_does_not_parse_is_refused_with_the_view():
    with pytest.raises(DeclarationError, match=r"view 'live', source 'live_events', sql: expected .* that parses"):
        windowed_view(declared(over("sum", "views"), sql="SELEC views"))


def test_sql_without_the_join_key_is_refused():
    with pytest.raises(DeclarationError, match=r"join keys.*item_id.*SELECT"):
        windowed_view(declared(over("sum", "views"), sql=f"SELECT {STAMPS}, views FROM events"))


def test_a_key_of_a_type_that_keys_nothing_is_refused():
    switch = Entity(name="switch", join_keys=["on"], value_type=ValueType.BOOL)
    view = declared(over("sum", "views"), entities=[switch], known=KNOWN | {"on": "BOOLEAN"}, sql=ON)
    with pytest.raises(DeclarationError, match=r"view 'live': expected join keys of.*'on': 'Bool'.*value_type"):
        windowed_view(view)


def test_a_key_whose_type_is_not_declared_is_refused():
    view = declared(over("sum", "views"))
    view.entity_columns = []
    with pytest.raises(DeclarationError, match=r"view 'live': expected a type for .*\['item'\].*value_type"):
        windowed_view(view)
