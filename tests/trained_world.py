"""The learning world after every step of the pipeline, made once and copied for each test that changes it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from learning_world import NOW, impressions, made
from platforms import environment

from catalog.dataset import DataSet
from pipelines import feature_store
from pipelines.evaluate import evaluate
from pipelines.steps import bring_up_to_date
from streamrank import clock
from streamrank.clock import VirtualClock


@contextmanager
def entered(root: Path, redis_url: str) -> Iterator[DataSet]:
    variables = {"STREAMRANK_ROOT": str(root), "STREAMRANK_DATASET": "learning", "STREAMRANK_REDIS_URL": redis_url}
    with environment(**variables), clock.use(VirtualClock(NOW)):
        yield DataSet.current()


def build(root: Path, redis_url: str) -> list[str]:
    """The steps that ran, up to an evaluation."""
    with entered(root, redis_url):
        data = made(impressions())
        ran = bring_up_to_date(data, "train")
        evaluate(data)
        return ran


@contextmanager
def copied(template: Path, root: Path, redis_url: str) -> Iterator[DataSet]:
    """A copy at `root`, registered anew since the registry holds paths."""
    shutil.copytree(template, root)
    with entered(root, redis_url) as data:
        feature_store.apply()
        yield data
