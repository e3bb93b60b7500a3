"""Nothing is sent from this process: the libraries' own usage reports are switched off before they are imported."""

import os

SWITCHES = {"BENTOML_DO_NOT_TRACK": "True", "GX_ANALYTICS_ENABLED": "false", "FEAST_USAGE": "False"}


def switch_off() -> None:
    """Sets the environment variables that BentoML, Great Expectations and Feast read; call before importing them."""
    os.environ.update(SWITCHES)
