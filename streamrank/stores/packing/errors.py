"""What goes wrong between columns and bytes."""


class FieldMismatch(ValueError):
    """A column is missing or holds values that do not fit the Field it is written to or the key it stands for."""


class MissingKey(FieldMismatch, KeyError):
    """A join key of a view is not among the columns."""

    __str__ = Exception.__str__


class CorruptValue(ValueError):
    """Bytes in the online store that no writer of this package wrote.

    row: the position of the first such value among those read, None where it is not one row's fault.
    """

    def __init__(self, problem: str, row: int | None = None):
        super().__init__(problem)
        self.problem, self.row = problem, row
