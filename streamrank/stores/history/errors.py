"""What a question about history answers when its input does not fit: what, where, expected, found and what to do."""


class HistoryError(ValueError):
    """A source, entity row or declaration that does not fit the question."""


def misfit(where: str, expected: str, found: str, remedy: str) -> HistoryError:
    return HistoryError(f"{where}: expected {expected}, found {found}; {remedy}")
