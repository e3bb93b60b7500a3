"""Whether a data set holds what a protocol asks about: told before anything is fitted, which may take minutes."""

from catalog.dataset import DataSet
from catalog.errors import InputError
from pipelines.evaluation_rows import labelled_parts
from pipelines.labels import has_impressions

OTHERS = "temporal, leave-one-out, last-10-percent or random-75-25"


def check(data: DataSet, protocol: str) -> None:
    """InputError where the protocol has nothing to ask of this data set; StepMissing where it has no events, or none
    that lie apart in time."""
    if protocol == "impressions" and not has_impressions(data):
        raise InputError(
            f"data set {data.name!r}: the protocol impressions expects events of type impression, found none; "
            f"load a log that says what was shown (docs/data.md), or use --protocol {OTHERS}"
        )
    if protocol in ("impressions", "temporal"):
        labelled_parts(data)
