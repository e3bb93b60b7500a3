"""A data set on disk: its folder under `.streamrank/<name>/` and the manifest that says what it holds."""

import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from catalog.errors import InputError
from streamrank.settings import settings

LabelRule = Literal["click", "engagement"]
Times = Literal["instants", "order"]
IdType = Literal["integer", "string"]
NAME = r"[A-Za-z0-9][\w-]*"
RESERVED = frozenset({"bentoml", "cache", "valkey"})  # other folders under the root


@dataclass(frozen=True)
class Manifest:
    """What the pipelines must know of a data set beyond its rows.

    source: the loader's name. label_rule: "click" (KuaiRand) or "engagement" (watched, liked, rated).
    item_ids, user_ids: the type HTTP returns ids in. shift_days: whole days added to every time.
    split_at: ISO instant where the test part of a temporal evaluation begins; None: each user's last 20 %.
    group_zone_hours: a group without a request is a user's day in this UTC offset. None: no such groups.
    counts: rows by table and by reason of quarantine, for display.
    times: "order" where events brought numbers that only say what came first: each is kept as so many seconds since
    1970. repeats: whether users want again what they acted on; None: the acts decide. on_air_hours: an item is on air
    while anyone has acted on it within so many hours (steps, where times are an order); None: by its own times.
    """

    name: str
    source: str
    label_rule: LabelRule = "engagement"
    item_ids: IdType = "string"
    user_ids: IdType = "string"
    shift_days: int = 0
    split_at: str | None = None
    group_zone_hours: int | None = None
    counts: dict[str, int] = field(default_factory=dict)
    times: Times = "instants"
    repeats: bool | None = None
    on_air_hours: float | None = None


class DataSetMissing(InputError, FileNotFoundError):
    """The data set has not been loaded."""


@dataclass(frozen=True)
class DataSet:
    """The paths of one data set; nothing is read until asked for."""

    home: Path

    @classmethod
    def current(cls) -> "DataSet":
        """The data set that STREAMRANK_DATASET names."""
        return cls(settings().home)

    @classmethod
    def named(cls, name: str) -> "DataSet":
        """The data set `name` under the same root; InputError where no data set can be called so."""
        if not re.fullmatch(NAME, name) or name in RESERVED:
            raise InputError(
                f"data set name {name!r}: expected letters, digits, - and _, not {', '.join(sorted(RESERVED))}"
            )
        return cls(settings().root / name)

    @property
    def name(self) -> str:
        return self.home.name

    @property
    def events(self) -> Path:
        """The event log, a Delta table partitioned by `arrived_on` (the UTC day of arrived_at)."""
        return self.home / "events"

    @property
    def items(self) -> Path:
        return self.home / "items.parquet"

    @property
    def users(self) -> Path:
        return self.home / "users.parquet"

    @property
    def held_back(self) -> Path:
        """Events that a load kept out of the log, to be published."""
        return self.home / "held_back.parquet"

    @property
    def quarantine(self) -> Path:
        return self.home / "quarantine"

    @property
    def features(self) -> Path:
        """One Parquet file a feature view, `<view>.parquet`."""
        return self.home / "features"

    @property
    def training(self) -> Path:
        return self.home / "training"

    @property
    def served(self) -> Path:
        return self.home / "served"

    def manifest(self) -> Manifest:
        """The manifest; DataSetMissing when no data set has been loaded here."""
        path = self.home / "dataset.json"
        if not path.exists():
            raise DataSetMissing(
                f"data set {self.name!r} is not loaded: expected {path}; "
                f"run `streamrank dataset ml-100k`, `kuairand` or `files`, or set STREAMRANK_DATASET"
            )
        return Manifest(**json.loads(path.read_text()))

    def write_manifest(self, manifest: Manifest) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        partial = self.home / "dataset.json.partial"
        partial.write_text(json.dumps(asdict(manifest), indent=1) + "\n")
        os.replace(partial, self.home / "dataset.json")
