"""What a loader hands over: rows as the source has them, and what is known of the source as a whole."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from catalog.dataset import Manifest


@dataclass(frozen=True)
class Source:
    """A data set before the door.

    events: any of the columns of `catalog.schema.EVENTS`, types still loose (a CSV's are all text).
    items, users: the same for ITEMS and USERS; None where the source has none.
    fingerprint: hash of the events' content; loading the same one again adds nothing.
    unreadable: by table ("events", "items", "users"), lines that have no columns to judge (line, reason).
    notes: what the user should know of the source, one sentence each.
    """

    manifest: Manifest
    events: pa.Table
    items: pa.Table | None
    users: pa.Table | None
    fingerprint: str
    unreadable: dict[str, pa.Table] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def fingerprint(files: Iterable[Path], *choices: str) -> str:
    """SHA-256 over the contents of `files` and the loader's `choices`, as hex; names and places do not count."""
    total = hashlib.sha256("\x1f".join(choices).encode())
    for file in files:
        with file.open("rb") as content:
            total.update(hashlib.file_digest(content, "sha256").digest())
    return total.hexdigest()
