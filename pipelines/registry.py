"""The versions of a data set's recommender: what each can do and where it comes from, and which of them is in use."""

from dataclasses import dataclass
from typing import Any, Literal

from catalog import in_use as record
from catalog.dataset import DataSet
from catalog.errors import InputError
from pipelines import model_store
from pipelines.model_store import model_name
from pipelines.promote import Comparison, WorseThanInUse

State = Literal["in use", "was in use", "stored"]


@dataclass(frozen=True)
class Version:
    """made_at: ISO, UTC. metrics: measure -> mean, low, high, of the evaluation before it was stored. data_window: of
    what it learned from. code_version: git's. kind: of ranker. kept: what the pipeline chose.
    """

    tag: str
    state: State
    made_at: str
    metrics: dict[str, Any]
    data_window: dict[str, str] | None
    code_version: str | None
    kind: str | None
    kept: str | None


def versions(data: DataSet) -> list[Version]:
    """All stored versions, the newest first."""
    used, ever = model_store.tag_in_use(data), {change.tag for change in record.history(data)}
    stored = sorted(model_store.stored(data), key=lambda model: model.info.creation_time, reverse=True)
    return [_version(model, used, ever) for model in stored]


def promote_stored(data: DataSet, tag: str, force: bool = False) -> record.Change:
    """Puts a stored version into use; WorseThanInUse where its main measure, as stored, is below the other's."""
    tag = _known(data, tag)
    used = model_store.tag_in_use(data)
    if tag == used:
        raise InputError(f"{tag} is in use already")
    found = {version.tag: version for version in versions(data)}
    compared = _compared(found[tag], found.get(used)) if used else None
    if compared and compared.worse and not force:
        raise WorseThanInUse(f"not promoted, it is worse: {compared}. `--force` promotes it all the same")
    return record.put_into_use(data, tag, used, "promoted", bool(compared and compared.worse))


def rollback(data: DataSet) -> record.Change:
    """Puts back what the version in use took the place of; InputError where there was none, or it is gone."""
    used, tag = model_store.tag_in_use(data), record.before(data)
    if tag is None:
        raise InputError(
            f"data set {data.name!r}: expected a version that was in use before "
            + (f"{used}, found none: it took the place of no other" if used else "now, found none: none is in use")
            + "; `streamrank models` lists what is stored, and `streamrank promote TAG` puts any of it into use"
        )
    return record.put_into_use(data, _known(data, tag), used, "rolled back")


def _known(data: DataSet, tag: str) -> str:
    """The whole tag; InputError where the store has no such version."""
    tags = [str(model.tag) for model in model_store.stored(data)]
    whole = tag if ":" in tag else f"{model_name(data)}:{tag}"
    if whole not in tags:
        raise InputError(f"no model {whole}: expected one of {', '.join(sorted(tags)) or 'none, nothing was promoted'}")
    return whole


def _compared(new: Version, held: Version) -> Comparison | None:
    """By the measure that evaluations compare by; None where one of both was stored without."""
    measure = new.metrics.get("main", "ndcg@10")
    figures = [(version.metrics.get(measure) or {}).get("mean") for version in (new, held)]
    return None if None in figures else Comparison(measure, *figures, held.tag, False, "")


def _version(model, used: str | None, ever: set[str]) -> Version:
    tag, about = str(model.tag), model.info.metadata
    state: State = "in use" if tag == used else "was in use" if tag in ever else "stored"
    return Version(
        tag, state, model.info.creation_time.isoformat(), about.get("metrics", {}), about.get("data_window"),
        about.get("code_version"), about.get("kind"), about.get("kept"),
    )  # fmt: skip
