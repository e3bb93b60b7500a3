"""What a setting that does not fit is told as: the variable, what it holds, what was expected, what was found."""

import os
import re
from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

KINDS: dict[Any, str] = {
    int: "a whole number", float: "a number", timedelta: "a duration such as 00:05:00 or PT5M",
}  # fmt: skip
BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def told(error: ValidationError, fields: dict[str, FieldInfo], prefix: str) -> str:
    """A line for each setting that was refused. prefix: of the variables' names."""
    return "\n".join(
        _line(f"{prefix}{fault['loc'][0]}".upper(), fields[fault["loc"][0]], fault) for fault in error.errors()
    )


def _line(variable: str, field: FieldInfo, fault: dict) -> str:
    default = field.get_default(call_default_factory=True)
    expected, found = _expected(field, fault), without_password(os.environ.get(variable, fault["input"]))
    return (
        f"{variable} ({field.description}): expected {expected}; found {found!r}; "
        f"correct the variable, or unset it for {'none' if default is None else f'the default, {default}'}"
    )


def _expected(field: FieldInfo, fault: dict) -> str:
    """What the setting's type and bounds ask for; where these say nothing, what the check of the setting says."""
    if field.annotation not in KINDS:
        return str(fault.get("ctx", {}).get("error", fault["msg"]))
    bounds = [f"{word} {getattr(bound, name)}" for bound in field.metadata for name, word in BOUNDS.items()
              if hasattr(bound, name)]  # fmt: skip
    return " ".join([KINDS[field.annotation], " and ".join(bounds)]).strip()


def without_password(value: Any) -> str:
    """The value as text, with *** for the password of a URL."""
    return re.sub(r"(://[^:@/]*:)[^@]*@", r"\1***@", str(value))
