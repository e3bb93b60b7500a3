"""Puts the trained ranker in the place of the one in use, unless it ranks worse."""

from dataclasses import dataclass, replace

from catalog.dataset import DataSet
from catalog.errors import InputError
from catalog.in_use import put_into_use
from pipelines.evaluate import CHALLENGER, HOLDER, read_evaluation
from pipelines.inputs import StepMissing
from pipelines.model_store import code_version, in_use, store, tag_in_use
from pipelines.train import trained_recommender
from pipelines.worlds import fresh


class WorseThanInUse(InputError):
    """The trained ranker ranks worse than the one it would replace; the message says by how much."""


@dataclass(frozen=True)
class Comparison:
    """measure: what is compared. new, held: both rankers' figures. replaced: the tag of the one in use.

    paired: whether both were measured on the same requests. difference: new minus held, and its 95 % interval as text.
    """

    measure: str
    new: float
    held: float
    replaced: str
    paired: bool
    interval: str

    @property
    def worse(self) -> bool:
        return self.new < self.held

    def __str__(self) -> str:
        how = f"on the same requests, 95 % interval {self.interval}" if self.paired else "on different requests"
        return (
            f"{self.measure} {self.new:.4f} against {self.held:.4f} of {self.replaced}: "
            f"{self.new - self.held:+.4f} ({how})"
        )


@dataclass(frozen=True)
class Promotion:
    """tag: of the stored ranker. comparison: with the one it replaced, None for the first. forced: though worse.

    not_beaten: baseline -> the lead over it as text, of those that it does not beat by more than chance.
    """

    tag: str
    comparison: Comparison | None
    forced: bool
    not_beaten: dict[str, str]


def promote(data: DataSet, force: bool = False) -> Promotion:
    """Stores the trained recommender with its measures in BentoML's model store, and records that it is in use.

    Raises WorseThanInUse when its main measure is below that of the ranker in use, unless `force`; StepMissing when it
    has not been trained or evaluated, or not against the ranker in use.
    """
    made, evaluation = trained_recommender(data), read_evaluation(data)
    found = comparison(data, evaluation)
    if found and found.worse and not force:
        raise WorseThanInUse(f"not promoted, the trained ranker is worse: {found}. `--force` promotes it all the same")
    about = made.ranker.about | {"metrics": _metrics(evaluation), "code_version": code_version()}
    about |= {"kind": made.ranker.kind, "kept": made.chosen.get("kept")}
    replaced, forced = tag_in_use(data), bool(found and found.worse)
    tag = store(data, replace(fresh(data, made), ranker=replace(made.ranker, about=about)))
    put_into_use(data, tag, replaced, "promoted", forced)
    return Promotion(tag, found, forced, _not_beaten(evaluation))


def comparison(data: DataSet, evaluation: dict) -> Comparison | None:
    """The trained ranker beside the one in use, by the main measure of the main table; None where none is in use."""
    holder = in_use(data)
    if holder is None:
        return None
    if (evaluation["replaces"] or {}).get("tag") != holder.tag:
        raise StepMissing(f"the last evaluation did not measure {holder.tag}, now in use; run `streamrank evaluate`")
    measure, table = evaluation["main"], evaluation["tables"][0]
    new, paired = table["scorers"][CHALLENGER][measure]["mean"], HOLDER in table["scorers"]
    if paired:
        held, apart = table["scorers"][HOLDER][measure]["mean"], table["differences"][HOLDER][measure]
        return Comparison(measure, new, held, holder.tag, True, f"{apart['low']:+.4f} to {apart['high']:+.4f}")
    held = holder.ranker.about.get("metrics", {}).get(measure, {}).get("mean")
    return None if held is None else Comparison(measure, new, held, holder.tag, False, "")


def _not_beaten(evaluation: dict) -> dict[str, str]:
    measure, table = evaluation["main"], evaluation["tables"][0]
    leads = {other: measures[measure] for other, measures in table["differences"].items() if other != HOLDER}
    return {
        other: f"{measure} {lead['mean']:+.3f}, 95 % interval {lead['low']:+.3f} to {lead['high']:+.3f}"
        for other, lead in leads.items()
        if lead["low"] <= 0
    }


def _metrics(evaluation: dict) -> dict:
    """The ranker's own measures of the main table, and by how much it beats the other scorers there."""
    table = evaluation["tables"][0]
    lead = {other: measures[evaluation["main"]] for other, measures in table["differences"].items()}
    return {
        **table["scorers"][CHALLENGER],
        "main": evaluation["main"],
        "table": table["name"],
        "requests": table["telling"],
        "lead": lead,
    }
