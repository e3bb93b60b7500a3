"""What must hold of an audit before anything goes on: Great Expectations over its counts, a row a feature."""

import pyarrow as pa

from catalog.errors import InputError
from validation.audit.report import Report
from validation.checks import broken

NAMED = 5


class SkewFound(InputError):
    """Served values are not what they are offline; the message names each feature, what was found and an example."""


def require_equal(report: Report) -> None:
    """Raises SkewFound unless every expectation holds of the report."""
    if failures := check(report):
        listed = "\n  ".join(failures)
        raise SkewFound(
            f"the audit of service {report.service!r} breaks {len(failures)} expectations on {report.rows:,} served "
            f"rows:\n  {listed}\n  docs/audit.md tells what each reason means and where to look"
        )


def check(report: Report) -> list[str]:
    """In words, the expectations that the report breaks; none when it is sound."""
    import great_expectations.expectations as gxe

    frame = frame_of(report)
    expectations = {
        "no value differs": ("mismatched", gxe.ExpectColumnValuesToBeBetween(column="mismatched", max_value=0)),
        "no value is missing": ("missing", gxe.ExpectColumnValuesToBeBetween(column="missing", max_value=0)),
        "the largest difference is 0": (
            "largest_difference", gxe.ExpectColumnValuesToBeBetween(column="largest_difference", max_value=0),
        ),
        "every compared value is judged": (
            "unjudged", gxe.ExpectColumnValuesToBeInSet(column="unjudged", value_set=[0]),
        ),
        "every feature is known to the service": (
            "kind", gxe.ExpectColumnValuesToBeInSet(column="kind", value_set=["rows", "windows", "acts", "derived"]),
        ),
    }  # fmt: skip
    masks = broken(frame.to_pandas(), {name: expectation for name, (_, expectation) in expectations.items()})
    return [
        _sentence(name, expectations[name][0], frame.filter(pa.array(mask)), report)
        for name, mask in masks.items()
        if mask.any()
    ]


def frame_of(report: Report) -> pa.Table:
    """A row a feature: its name, kind and counts."""
    names = list(report.features)
    counts = report.features.values()
    columns = ("kind", "compared", "equal", "nonzero", "mismatched", "missing", "in_flight", "largest_difference")
    table = pa.table({"feature": pa.array(names, pa.string())} | {
        column: [getattr(each, column) for each in counts] for column in columns
    })  # fmt: skip
    unjudged = [each.compared - each.equal - each.mismatched - each.missing for each in counts]
    return table.append_column("unjudged", pa.array(unjudged, pa.int64()))


def _sentence(expectation: str, column: str, rows: pa.Table, report: Report) -> str:
    """The expectation, the features that break it, and why."""
    named = [
        f"{name} ({value}{_reasons(report, name)})"
        for name, value in zip(rows["feature"].to_pylist()[:NAMED], rows[column].to_pylist(), strict=False)
    ]
    more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
    return f"{expectation}: broken by {', '.join(named)}{more}"


def _reasons(report: Report, name: str) -> str:
    reasons = report.features[name].reasons
    return "".join(f"; {count:,} {reason}" for reason, count in reasons.items())
