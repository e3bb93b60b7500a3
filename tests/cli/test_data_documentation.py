import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq

from streamrank.environment import CHECKOUT


def _blocks(language: str) -> list[str]:
    text = (CHECKOUT / "docs" / "data.md").read_text()
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [block for found, block in blocks if found == language]


def test_the_walkthrough_with_own_data_works_as_written(platform, tmp_path):
    commands, printed = _blocks("sh")[0], _blocks("")[0]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shell = ["bash", "-e", "-c", commands]
    done = subprocess.run(shell, cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = [line.split() for line in done.stdout.splitlines()]
    for line in printed.splitlines():
        assert line.split() in said
    kept = pq.read_table(Path(platform) / "tv" / "quarantine")
    assert kept["reason"].to_pylist() == ["unknown event_type: veiw", "negative watch_ms: -5"]
