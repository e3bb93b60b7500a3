"""What a loader hands over: rows as the source has them, and what is known of the source as a whole."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from catalog.dataset import Manifest

NO_LINES = pa.table({"row": pa.array([], pa.int64()), "line": pa.array([], pa.string()), "reason": pa.array([], pa.string())})


@dataclass(frozen=True)
class Source:
    """A data set before the door.

    events: any of the columns of `catalog.schema.EVENTS`, types still loose (a CSV's are all strings).
    items, users: the same for ITEMS and USERS; None where the source has none.
    fingerprint: hash of the content; loading the same one again adds nothing.
    unreadable: lines that could not be split into columns (row, line, reason), for the quarantine.
    """

    manifest: Manifest
    events: pa.Table
    items: pa.Table | None
    users: pa.Table | None
    fingerprint: str
    unreadable: pa.Table = field(default_factory=lambda: NO_LINES)


def fingerprint(files: Iterable[Path], *choices: str) -> str:
    """SHA-256 over the contents of `files` and the loader's `choices`, as hex; names and places do not count."""
    total = hashlib.sha256("\x1f".join(choices).encode())
    for file in files:
        with file.open("rb") as content:
            total.update(hashlib.file_digest(content, "sha256").digest())
    return total.hexdigest()
