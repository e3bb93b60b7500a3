import numpy as np

from models.learning.varying import varying
from models.rankers.examples import Examples


def test_columns_of_one_value_leave_unless_they_are_always_taken():
    none = np.nan
    matrix = np.array([[1, 2, none, none, 5], [1, 3, none, 4, 5], [1, 2, none, 4, 5]], np.float32)
    names = ["same", "told", "unknown", "at times", "kept"]
    given = Examples(matrix, np.array([1, 0, 0]), np.zeros(3, int), np.zeros(3, int), features=names)
    found = varying(given, ["kept"])
    assert found.features == ["told", "at times", "kept"]
    np.testing.assert_array_equal(found.matrix, matrix[:, [1, 3, 4]])


def test_no_rows_say_nothing_of_columns():
    none = np.zeros(0, int)
    assert varying(Examples(np.zeros((0, 1), np.float32), none, none, none, features=["one"]), []).features == ["one"]
