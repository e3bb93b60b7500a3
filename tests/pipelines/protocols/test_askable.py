"""A protocol that a data set cannot be asked by is refused before a step is run for it."""

import pytest
from histories import DAY, make_data_set

from catalog.dataset import DataSetMissing
from catalog.errors import InputError
from cli.evaluate import Protocol, evaluate
from pipelines.evaluation_rows import evaluation_rows
from pipelines.protocols.askable import check
from pipelines.protocols.running import run
from streamrank.clock import HOUR

CLICKS = [
    {"event_type": "click", "user_id": f"u{number % 3}", "item_id": f"i{number % 7}", "event_time": DAY * (1 + number)}
    for number in range(30)
]


def test_impressions_are_asked_for_before_anything_is_computed(platform):
    data = make_data_set(CLICKS)
    with pytest.raises(InputError, match=r"expects events of type impression, found none.*or use --protocol temporal"):
        evaluate(Protocol.IMPRESSIONS)
    assert not data.features.exists() and not data.training.exists() and not (data.home / "registry.db").exists()


def test_what_has_no_later_part_is_refused_before_anything_is_computed(platform):
    data = make_data_set(CLICKS[:3])
    with pytest.raises(DataSetMissing, match=r"cannot be split in time.*0 to test on"):
        evaluate(Protocol.TEMPORAL)
    assert not data.features.exists()


def test_a_log_without_impressions_can_be_asked_in_other_ways(platform):
    data = make_data_set(CLICKS)
    for protocol in Protocol:
        if protocol is not Protocol.IMPRESSIONS:
            check(data, protocol.value)


def test_acts_too_few_for_any_question_are_refused_with_what_to_do(platform):
    data = make_data_set(CLICKS[:3])
    with pytest.raises(InputError, match=r"expected acts that random-75-25 can ask for, found none; bring more data"):
        run(data, "random-75-25")


def test_few_items_that_are_visited_again_and_again_can_be_asked_for_visit_by_visit(platform):
    visits = [
        {"event_type": "view", "user_id": f"u{hour % 5}", "item_id": f"i{hour % 3}", "event_time": DAY + hour * HOUR}
        for hour in range(90)
    ]
    data = make_data_set(visits)  # three pairs a user, of which a fifth is none
    check(data, "temporal")
    assert evaluation_rows(data).requests["warm"] > 5
