from reranked import items


def test_topics_are_codes_in_the_items_own_order():
    codes, names = items([["war", "drama"], None, [], ["drama"]]).topics
    assert [[names[code] for code in row if code >= 0] for row in codes.tolist()] == [
        ["war", "drama"],
        [],
        [],
        ["drama"],
    ]


def test_a_catalogue_without_topics_has_none():
    codes, names = items([None, None]).topics
    assert codes.tolist() == [[-1], [-1]] and names == []


def test_creators_are_codes_and_what_is_not_known_has_none():
    codes, names = items([None] * 3, ["x", None, "x"]).creators
    assert codes.tolist() == [0, -1, 0] and names == ["x"]


def test_an_empty_catalogue_has_no_rows():
    assert items([]).topics[0].shape == (0, 1)
