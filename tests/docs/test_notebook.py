"""The notebook of the docs runs as it stands, on a data set of ours, and shows what it says."""

import nbformat
from learning_world import NOW, impressions, made, with_views
from nbclient import NotebookClient
from platforms import environment

from streamrank import clock
from streamrank.clock import VirtualClock
from streamrank.environment import CHECKOUT

DOCS = CHECKOUT / "docs"


def test_the_notebook_runs_and_shows_the_leak(tmp_path, redis_server):
    notebook = nbformat.read(DOCS / "point_in_time.ipynb", as_version=4)
    variables = {"STREAMRANK_ROOT": str(tmp_path), "STREAMRANK_DATASET": "noted", "STREAMRANK_REDIS_URL": redis_server}
    with environment(**variables), clock.use(VirtualClock(NOW)):
        with_views(made(impressions()))
        NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": DOCS}}).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in shown)
    leak = next(text for output in shown if "served_then" in (text := output.get("data", {}).get("text/plain", "")))
    assert leak.count("900.0") == 3 and leak.count("110.0") == 3
    assert any("rows would have seen the future" in output.get("text", "") for output in shown)
    assert not any(output.output_type == "stream" and output.name == "stderr" for output in shown)


def test_the_notebook_is_stored_with_what_it_shows():
    notebook = nbformat.read(DOCS / "point_in_time.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    assert sum(bool(cell.outputs) for cell in cells) >= 6
