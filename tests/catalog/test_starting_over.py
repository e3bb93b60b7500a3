"""Starting over leaves nothing, and a load never gives positions that the bus has given."""

import pyarrow as pa
import pytest

from catalog.bus import open_bus
from catalog.dataset import DataSet, Manifest
from catalog.errors import InputError
from catalog.load import load
from catalog.publishing import publish
from catalog.source import Source
from catalog.starting_over import start_over
from streamrank import embedded
from streamrank.events.log import EventLog
from streamrank.events.shards import NEVER
from streamrank.stream.leases import Leases
from streamrank.stream.log_writer import LogWriter

EVENTS = pa.table({"event_time": ["2024-03-01T19:00:00Z"] * 2, "user_id": ["a", "b"], "item_id": ["x", "x"]})


@pytest.fixture
def data(platform) -> DataSet:
    embedded.up()
    yield DataSet.current()
    embedded.down()


def source(name: str) -> Source:
    return Source(Manifest(name=name, source="files"), EVENTS, None, None, "one")


def test_nothing_is_left_on_disk_or_on_the_server(data):
    load(source(data.name), data)
    bus = open_bus()
    publish(bus, EVENTS.set_column(1, "user_id", pa.array(["c", "d"])))
    assert bus.ends().max() > 0
    start_over(data)
    assert not data.events.exists() and not data.items.exists() and not EventLog(data.events).files()
    assert (open_bus().ends() == NEVER).all()
    assert load(source(data.name), data).added == 2


def test_a_data_set_that_is_streamed_is_left_alone(data):
    load(source(data.name), data)
    worker = Leases(open_bus().connection, data.name.replace("-", "_"), "a worker", 3_000_000)
    worker.beat()
    with pytest.raises(InputError, match="is being streamed"):
        start_over(data)
    worker.beat(alive=False)
    start_over(data)


def test_a_load_waits_for_what_the_bus_holds(data):
    load(source(data.name), data)
    bus = open_bus()
    publish(bus, EVENTS.set_column(1, "user_id", pa.array(["c", "d"])))
    later = Source(Manifest(name=data.name, source="files"), EVENTS.slice(1).append_column(
        "event_id", pa.array(["new"])), None, None, "two")  # fmt: skip
    with pytest.raises(InputError, match="hold events that the log lacks"):
        load(later, data)
    LogWriter(bus, EventLog(data.events)).run_once()
    assert load(later, data).added == 1
    assert EventLog(data.events).count() == 5
