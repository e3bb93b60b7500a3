"""Every setting of the platform in one typed object, read from STREAMRANK_* environment variables."""

import re
from datetime import timedelta
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from streamrank.environment import DEFAULT_DATASET, default_root
from streamrank.refusals import told, without_password

PREFIX = "STREAMRANK_"
NAME = r"[A-Za-z0-9][\w-]*"
ADDRESS = "redis://user:password@host:6379/0, user and password where there are some"
NONE = timedelta(0)


class SettingRefused(ValueError):
    """A STREAMRANK_* variable does not fit; the message names it, what was expected and what was found."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    root: Path = Field(default_factory=default_root, description="where all data sets and the embedded server live")
    dataset: str = Field(DEFAULT_DATASET, description="which data set commands work on")
    redis_url: str | None = Field(None, description="the user's own Redis or Valkey; unset: the embedded server")
    redis_port: int = Field(6390, ge=1, le=65535, description="loopback port of the embedded server")
    batch_delay: timedelta = Field(
        timedelta(hours=1), ge=NONE, description="from a UTC day's end to its features being known"
    )
    future_tolerance: timedelta = Field(
        timedelta(minutes=1), ge=NONE, description="how far an event may lie in the future"
    )
    served_sample_rate: float = Field(0.01, ge=0, le=1, description="share of requests logged with all candidates")
    served_queue_rows: int = Field(100_000, ge=1, description="rows the served log holds in memory before it drops")
    served_flush_seconds: float = Field(5.0, gt=0, description="age at which buffered served rows are written")
    feature_timeout_seconds: float = Field(2.0, gt=0, description="how long a request waits for online features")
    source_budget_seconds: float = Field(0.05, gt=0, description="how long a request waits for sources of candidates")
    bus_horizon: timedelta = Field(timedelta(minutes=10), ge=NONE, description="how long the bus remembers an event_id")
    bus_limit_bytes: int = Field(2 << 30, ge=1, description="events that the bus holds before publishers have to wait")
    bus_patience: timedelta = Field(
        timedelta(seconds=5), ge=NONE, description="how long a publisher waits while the bus is full"
    )
    log_interval: timedelta = Field(
        timedelta(seconds=2), ge=NONE, description="age at which events are written to the log"
    )
    log_batch_events: int = Field(50_000, ge=1, description="events that are written to the log before that age")

    @field_validator("root")
    @classmethod
    def _absolute(cls, root: Path) -> Path:
        found = root.expanduser().resolve()
        if found.exists() and not found.is_dir():
            raise ValueError("a folder, or a path where one can be made")
        return found

    @field_validator("dataset")
    @classmethod
    def _a_name(cls, dataset: str) -> str:
        if not re.fullmatch(NAME, dataset):
            raise ValueError("letters, digits, - and _, a letter or digit first")
        return dataset

    @field_validator("redis_url")
    @classmethod
    def _an_address(cls, url: str | None) -> str | None:
        try:
            url and feast_connection(url)
        except ValueError:
            raise ValueError(ADDRESS) from None
        return url and re.sub("^valkey", "redis", url)  # the client knows the one name of the two

    @property
    def home(self) -> Path:
        """The folder of the chosen data set."""
        return self.root / self.dataset

    @property
    def bentoml_home(self) -> Path:
        """The BentoML model and bento store."""
        return self.root / "bentoml"

    @property
    def server_folder(self) -> Path:
        """Data, log, pid and socket of the embedded server."""
        return self.root / "valkey"

    @property
    def embedded(self) -> bool:
        """Whether the platform runs its own Valkey server."""
        return self.redis_url is None

    @property
    def redis_address(self) -> str:
        """The URL of the server in use."""
        return self.redis_url or f"redis://127.0.0.1:{self.redis_port}/0"

    @property
    def feast_connection(self) -> str:
        """The server in use as Feast writes it: host:port,key=value,..."""
        return feast_connection(self.redis_address)


def feast_connection(url: str) -> str:
    """`redis[s]://[user:password@]host[:port][/db]` as Feast's `host:port,db=0,...`; ValueError for other forms."""
    parts = urlsplit(url)
    database = parts.path.strip("/") or "0"
    if parts.scheme not in ("redis", "rediss", "valkey", "valkeys") or not parts.hostname or not database.isdigit():
        raise ValueError(f"STREAMRANK_REDIS_URL: expected {ADDRESS}; found {without_password(url)!r}")
    options = [f"{parts.hostname}:{parts.port or 6379}", f"db={database}"]
    options += [f"username={unquote(parts.username)}"] if parts.username else []
    options += [f"password={unquote(parts.password)}"] if parts.password else []
    options += ["ssl=true"] if parts.scheme in ("rediss", "valkeys") else []
    return ",".join(options)


@cache
def settings() -> Settings:
    """The settings of this process; SettingRefused where a variable does not fit.

    Tests that change the environment call `settings.cache_clear()`.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingRefused(told(error, Settings.model_fields, PREFIX)) from None
