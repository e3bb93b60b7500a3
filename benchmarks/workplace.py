"""Where a bench puts its input, answers and server: the folder asked for, or one that is gone afterwards."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def workplace(folder: Path | None) -> Iterator[Path]:
    """`folder`, which is kept; where it is None, a temporary one."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="streamrank-bench-") as temporary:
        yield Path(temporary)
