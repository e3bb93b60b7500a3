"""A side of a comparison: a function `module:name` that runs in a process of its own and returns JSON.

python -m benchmarks.sides MODULE:FUNCTION ARGUMENTS RESULT
"""

import json
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

LAST_LINES = 15


class SideFailed(RuntimeError):
    """A side ended with an error; the message has its last words."""


def run(side: str, /, **arguments: Any) -> Any:
    """What `side` returns for these arguments (JSON values and paths), computed in a fresh process.

    What it prints is kept back and shown only when it fails: SideFailed.
    """
    with tempfile.TemporaryDirectory(prefix="streamrank-bench-") as folder:
        result, log = Path(folder) / "result.json", Path(folder) / "log"
        command = [sys.executable, "-m", "benchmarks.sides", side, json.dumps(arguments, default=str), str(result)]
        with log.open("wb") as output:
            ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output).returncode
        if ended != 0 or not result.exists():
            lines = log.read_text(errors="replace").splitlines()[-LAST_LINES:]
            raise SideFailed(f"{side} ended with code {ended}; its last words:\n" + "\n".join(lines))
        return json.loads(result.read_text())


def main() -> None:
    side, arguments, result = sys.argv[1:]
    module, _, function = side.partition(":")
    answer = getattr(import_module(module), function)(**json.loads(arguments))
    Path(result).write_text(json.dumps(answer))


if __name__ == "__main__":
    main()
