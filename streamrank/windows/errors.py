"""What a windowed view refuses: a declaration that cannot run exactly, and state that would make a value wrong."""


class DeclarationError(ValueError):
    """A view, source or aggregation that cannot give the same value online and offline."""


class TornKey(RuntimeError):
    """A key that holds a part of a batch, which no run of this code leaves behind: rebuild the view."""


class Overflow(ArithmeticError):
    """A sum or a count that would no longer be exact."""


def refused(where: str, expected: str, found: str, remedy: str) -> DeclarationError:
    return DeclarationError(f"{where}: expected {expected}, found {found}; {remedy}")
