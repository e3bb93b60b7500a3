"""The environment that bare `feast` and `bentoml` commands need to find the chosen data set and stores."""

import os

from streamrank.settings import settings
from streamrank.telemetry import SWITCHES


def variables() -> dict[str, str]:
    """Variable name -> value, for the settings of this process."""
    chosen = settings()
    return {
        "STREAMRANK_ROOT": str(chosen.root),
        "STREAMRANK_DATASET": chosen.dataset,
        "BENTOML_HOME": os.environ.get("BENTOML_HOME") or str(chosen.bentoml_home),
        **SWITCHES,
    }


def apply() -> None:
    """Sets these variables in this process, so that Feast's YAML and BentoML's stores resolve as for a user's shell."""
    values = variables()
    os.makedirs(values["BENTOML_HOME"], exist_ok=True)
    os.environ.update(values)
