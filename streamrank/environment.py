"""The environment that bare `feast`, `bentoml` and Python processes need to find the chosen data set and stores.

`make install` has every Python process of the checkout's `.venv` call `prepare` at its start (a line in a .pth file),
so `feast apply` or a notebook works with no variable set by hand. Hence this module imports the standard library only.
"""

import logging
import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
DEFAULT_DATASET = "ml-100k"
NO_TELEMETRY = {"BENTOML_DO_NOT_TRACK": "True", "GX_ANALYTICS_ENABLED": "false", "FEAST_USAGE": "False"}


def default_root() -> Path:
    """`.streamrank` in the checkout, or in the working folder where the engine is installed without one."""
    return (CHECKOUT if (CHECKOUT / "feature_repo").is_dir() else Path.cwd()) / ".streamrank"


def variables() -> dict[str, str]:
    """Variable name -> value: the user's where one is set, else the default. Telemetry is always off.

    STREAMRANK_PROJECT is derived: the data set's name as Feast takes it, without hyphens.
    """
    root = os.path.abspath(os.path.expanduser(os.environ.get("STREAMRANK_ROOT") or default_root()))
    dataset = os.environ.get("STREAMRANK_DATASET") or DEFAULT_DATASET
    return {
        "STREAMRANK_ROOT": root,
        "STREAMRANK_DATASET": dataset,
        "STREAMRANK_PROJECT": dataset.replace("-", "_"),
        "BENTOML_HOME": os.environ.get("BENTOML_HOME") or f"{root}/bentoml",
        **NO_TELEMETRY,
    }


def prepare() -> None:
    """Sets these variables in this process, for it and its children, and spares users a notice that does not hold."""
    os.environ.update(variables())
    logging.getLogger("feast.repo_config").addFilter(_holds)


def _holds(record: logging.LogRecord) -> bool:
    """Feast says of a file registry that serving while materializing has no effect there; a killed run shows it has."""
    return "serve_features_while_materializing" not in record.getMessage()
