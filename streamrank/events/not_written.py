"""What a disk refused to take, told apart from what is wrong with the rows."""

import errno
import os
import re

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class NotWritten(OSError):
    """The disk did not take what was to be written; nothing of it stands there, and it can be written again."""


def refused_by_the_disk(error: BaseException) -> int | None:
    """The number of the operating system's error that `error` came of; None where it is none.

    Arrow and Delta say it in words: "... No space left on device (os error 28)", "[errno 28] ...".
    """
    if isinstance(error, OSError) and error.errno:
        return error.errno
    found = re.search(r"(?:os error|errno) (\d+)", str(error), re.IGNORECASE)
    return int(found[1]) if found else None


def not_written(what: str, error: BaseException, number: int) -> NotWritten:
    """what: was to be written, and where. The error to raise in place of `error`."""
    advice = "make room there" if number in FULL else "see to the disk and the rights on it"
    return NotWritten(number, f"{what} could not be written, and nothing of it was: {os.strerror(number)}; {advice}")
