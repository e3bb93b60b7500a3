"""The rankers in BentoML's model store: the one in use, and how another takes its place."""

import hashlib
import os
import shutil
import subprocess
import warnings
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from catalog import in_use as record
from catalog.dataset import DataSet
from catalog.sql import query
from models.ranker import Ranker
from models.recommender import Recommender
from pipelines import inputs
from pipelines.labels import labelled
from streamrank.clock import DAY
from streamrank.environment import CHECKOUT, prepare

RECENT_DAYS = 7


@dataclass(frozen=True)
class Stored:
    """recommender: None where the folder is of an earlier version of this platform, and holds a ranker alone."""

    tag: str
    ranker: Ranker
    recommender: Recommender | None


def model_name(data: DataSet) -> str:
    """What the data set's ranker is called in the store."""
    return f"ranker-{data.name}".lower()


def in_use(data: DataSet) -> Stored | None:
    """The recommender in use, None where none was ever promoted."""
    tag = tag_in_use(data)
    if tag is None:
        return None
    found = _store().get(tag)
    whole = (Path(found.path) / "recommender.json").exists()
    recommender = Recommender.load(found.path) if whole else None
    return Stored(str(found.tag), recommender.ranker if recommender else Ranker.load(found.path), recommender)


def tag_in_use(data: DataSet) -> str | None:
    """What the record says, if the store has it; else the version that was stored last; None where there is none."""
    tags = {str(model.tag): model.info.creation_time for model in stored(data)}
    recorded = record.in_use(data)
    return recorded if recorded in tags else max(tags, key=tags.__getitem__, default=None)


def stored(data: DataSet) -> list:
    """BentoML's models of the data set, in no order."""
    name = model_name(data)
    return [model for model in _store().list() if model.tag.name == name]


def store(data: DataSet, made: Recommender) -> str:
    """Stores `made` with the catalogue that the service holds in memory; its tag. Nothing is stored by halves."""
    labels, about = {"dataset": data.name, "feature_service": made.service}, made.ranker.about
    with _store().create(model_name(data), module="models.recommender", labels=labels, metadata=_said(about)) as model:
        made.save(Path(model.path))
        pq.write_table(catalogue(data), Path(model.path) / "catalog.parquet")
    return str(model.tag)


def _said(about: dict) -> dict:
    """What there is to say: BentoML's metadata takes no nulls, such as a code version outside a checkout."""
    return {
        name: _said(value) if isinstance(value, dict) else value for name, value in about.items() if value is not None
    }


def catalogue(data: DataSet) -> pa.Table:
    """Every item with its attributes and popularity: the positives of the log's last week, then those of all time."""
    sql = CATALOGUE.format(week=RECENT_DAYS * DAY)
    return query(sql, catalogue=inputs.catalogue(data), items=inputs.items(data), rows=labelled(data))


def digest(folder: Path) -> str:
    """SHA-256 of the recommender's files, by which an evaluation knows the one it is of."""
    total = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        total.update(file.read_bytes())
    return total.hexdigest()


def code_version() -> str | None:
    """The checkout's git commit, "-changed" behind it where files differ; None outside a checkout or without git."""
    if not (CHECKOUT / ".git").exists() or not shutil.which("git"):
        return None
    found = subprocess.run(
        ["git", "-C", str(CHECKOUT), "describe", "--always", "--abbrev=40", "--dirty=-changed", "--exclude=*"],
        capture_output=True, text=True,
    )  # fmt: skip
    return found.stdout.strip() or None


def _store():
    prepare()
    import bentoml
    from bentoml._internal.configuration.containers import BentoMLContainer

    # BentoML remembers its home from its import on; the data set in use, and so the home, may have changed since.
    folder = Path(os.environ["BENTOML_HOME"]) / "models"
    folder.mkdir(parents=True, exist_ok=True)
    BentoMLContainer.model_store.get()._path = folder
    # Feast lets every deprecation notice through, also those that BentoML's dependencies make when they are loaded.
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="pathspec")
    return bentoml.models


CATALOGUE = """
WITH acts AS (SELECT item_id, label, known_at, max(known_at) OVER () AS last FROM rows WHERE label IS NOT NULL),
counts AS (
    SELECT item_id, sum(label) AS ever, coalesce(sum(label) FILTER (known_at > last - {week}), 0) AS lately
    FROM acts GROUP BY item_id)
SELECT c.item_id, i.creator_id, i.topics, i.title, c.available_from, c.available_until,
    (coalesce(n.lately, 0) + coalesce(n.ever, 0) / (1 + max(coalesce(n.ever, 0)) OVER ()))::DOUBLE AS popularity
FROM catalogue c LEFT JOIN items i USING (item_id) LEFT JOIN counts n USING (item_id)
ORDER BY c.item_id
"""
