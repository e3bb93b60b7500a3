"""A Feast store of its own for each test, on the session's server, with the clock at NOW."""

import uuid
from collections.abc import Iterator

import pytest
from feast import FeatureStore
from reader_repo import NOW, store_at

from streamrank import clock


@pytest.fixture
def online(tmp_path, redis_server) -> Iterator[FeatureStore]:
    store = store_at(tmp_path, redis_server, f"project_{uuid.uuid4().hex}")
    with clock.use(clock.VirtualClock(NOW)):
        yield store
        store.teardown()
