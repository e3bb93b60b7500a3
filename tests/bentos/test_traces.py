from bentoml._internal.configuration.containers import BentoMLContainer

from bentos.traces import only_where_told


def test_no_traces_are_made_of_a_route_where_nobody_is_told_of_them():
    assert only_where_told("/recommend") == {"excluded_urls": ["/recommend"]}


def test_traces_are_made_where_bentoml_is_told_where_to_send_them():
    BentoMLContainer.tracing.exporter_type.set("otlp")
    try:
        assert only_where_told("/recommend") == {}
    finally:
        BentoMLContainer.tracing.exporter_type.set(None)


def test_what_is_excluded_already_stays_as_it_is():
    BentoMLContainer.tracing.excluded_urls.set(["/metrics"])
    try:
        assert only_where_told("/recommend") == {}
    finally:
        BentoMLContainer.tracing.excluded_urls.set(None)
