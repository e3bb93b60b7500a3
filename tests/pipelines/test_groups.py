"""Which rows are ranked against each other, and when they are asked."""

from shown import START, labelled_rows

from pipelines.groups import grouped, with_both_outcomes
from streamrank.clock import HOUR, SECOND


def test_a_request_is_a_group_asked_a_microsecond_before_its_first_impression():
    found = grouped(
        labelled_rows(
            {"request_id": "a", "shown_at": 9},
            {"request_id": "a", "shown_at": 7},
            {"request_id": "b", "shown_at": 8},
        ),
        None,
    )
    assert found["request_time"].to_pylist() == [START + 6, START + 6, START + 7]
    assert found["qid"].to_pylist() == [1, 1, 2]


def test_without_requests_a_users_day_in_the_data_sets_zone_is_a_group():
    evening, morning = 15 * HOUR, 17 * HOUR  # 16:00 UTC is midnight in Beijing
    rows = labelled_rows({"shown_at": evening}, {"shown_at": morning}, {"shown_at": 20 * HOUR}, {"shown_at": 39 * HOUR})
    beijing, utc = grouped(rows, 8), grouped(rows, None)
    assert beijing["qid"].to_pylist() == [1, 2, 2, 2]
    assert beijing["request_time"].to_pylist() == [START + evening - 1] + 3 * [START + morning - 1]
    assert utc["qid"].to_pylist() == [1, 1, 1, 2]


def test_groups_of_two_users_do_not_mix_and_rows_without_a_label_are_left_out():
    found = grouped(labelled_rows({"user_id": "a"}, {"user_id": "b"}, {"user_id": "a", "label": None}), None)
    assert found["user_id"].to_pylist() == ["a", "b"]
    assert found["qid"].to_pylist() == [1, 2]


def test_only_groups_with_both_outcomes_are_learned_from():
    rows = labelled_rows(
        {"user_id": "both", "label": 0}, {"user_id": "both", "label": 1},
        {"user_id": "none", "label": 0}, {"user_id": "none", "label": 0}, {"user_id": "one", "label": 1},
    )  # fmt: skip
    assert with_both_outcomes(grouped(rows, None))["user_id"].to_pylist() == ["both", "both"]


def test_the_order_of_rows_in_a_group_does_not_tell_the_label():
    shown = [{"request_id": "a", "label": label, "item_id": f"i{item:02}"} for item, label in enumerate([0, 1, 0, 1])]
    forwards, backwards = grouped(labelled_rows(*shown), None), grouped(labelled_rows(*shown[::-1]), None)
    assert forwards["item_id"].to_pylist() == backwards["item_id"].to_pylist() == ["i00", "i01", "i02", "i03"]


def test_where_times_are_only_an_order_whole_steps_of_a_user_make_lists():
    steps = [0] * 3 + [1] * 3 + [2] * 6 + [90_000] * 2 + [90_001]  # 86,400 steps are no day
    other = [{"user_id": "v", "shown_at": 5 * SECOND}]
    rows = labelled_rows(*({"user_id": "u", "shown_at": step * SECOND} for step in steps), *other)
    found = grouped(rows, None, ordered=True)
    assert found["qid"].to_pylist() == [1] * 12 + [2] + [3] * 3
    assert found["request_time"].to_pylist()[-1] == START + 90_000 * SECOND - 1


def test_steps_of_one_impression_each_make_lists_of_ten():
    rows = labelled_rows(*({"shown_at": step * SECOND, "label": step % 2} for step in range(25)))
    found = grouped(rows, None, ordered=True)
    assert [found["qid"].to_pylist().count(qid) for qid in (1, 2, 3)] == [10, 10, 5]
    assert with_both_outcomes(found).num_rows == 25


def test_a_request_stays_one_group_where_times_are_only_an_order():
    rows = labelled_rows(*({"request_id": "a", "shown_at": step * SECOND} for step in range(25)))
    assert set(grouped(rows, None, ordered=True)["qid"].to_pylist()) == {1}
