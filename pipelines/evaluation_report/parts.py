"""Which parts of an evaluation's questions say something of their own: one that is all there is repeats the whole."""

from collections.abc import Mapping

OPPOSITES = {
    "cold users": "known users", "known users": "cold users", "cold items": "known items", "known items": "cold items",
    "repeats only": "new items only", "new items only": "repeats only",
}  # fmt: skip
"""By each part that one which holds all other questions."""


def apart(result: Mapping) -> list[tuple[str, Mapping]]:
    """(name, what was found) of the parts that hold some of the questions, not all."""
    found = [(name, result[name]) for name in OPPOSITES if "metrics" in result.get(name, {})]
    return [(name, part) for name, part in found if "metrics" in result.get(OPPOSITES[name], {})]


def alone(result: Mapping) -> list[str]:
    """A line for each part that holds nothing, so that its opposite is the whole."""
    empty = [name for name in OPPOSITES if name in result and "metrics" not in result[name]]
    return [f"{name}: none, so that {OPPOSITES[name]} are all of the above" for name in empty]
