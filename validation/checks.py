"""Great Expectations on whole columns: which rows of a frame break which expectation.

The context is ephemeral, its telemetry and progress bars are off. Importing Great Expectations takes seconds, so it is
imported where a check runs.
"""

import os
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.expectations import Expectation

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read once, when Great Expectations is imported
COMPLETE = {"result_format": "COMPLETE", "include_unexpected_rows": False, "return_unexpected_index_query": False}


def broken(frame: "pd.DataFrame", expectations: "dict[str, Expectation]") -> dict[str, np.ndarray]:
    """For each named expectation on a column, which rows break it: name -> bool [rows].

    A null breaks no expectation but the one that forbids nulls. RuntimeError when one cannot be evaluated.
    """
    masks = {name: np.zeros(len(frame), dtype=bool) for name in expectations}
    if frame.empty:
        return masks
    for result in _validate(frame, expectations):
        name = result.expectation_config.meta["name"]
        rows = result.result.get("unexpected_index_list") or []
        if not result.success and not rows:  # it did not fail on a row, so it could not run
            raise RuntimeError(f"check {name!r} could not run: {result.exception_info}")
        masks[name][rows] = True
    return masks


def _validate(frame: "pd.DataFrame", expectations: "dict[str, Expectation]") -> list:
    batches = _batches()
    import great_expectations as gx

    for name, expectation in expectations.items():
        expectation.meta = {"name": name}
    suite = gx.ExpectationSuite(name="rows", expectations=list(expectations.values()))
    return batches.get_batch({"dataframe": frame}).validate(suite, result_format=COMPLETE).results


@cache
def _batches() -> "BatchDefinition":
    """What makes a batch of a frame; setting it up costs more than checking a small frame, so it is kept."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("rows").add_dataframe_asset("rows")
    return asset.add_batch_definition_whole_dataframe("rows")
