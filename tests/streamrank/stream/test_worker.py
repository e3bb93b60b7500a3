import pyarrow as pa
from streamed_world import recount, rows_of, some_events

from streamrank import clock


def agrees(world, taken: pa.Table, at_us: int) -> bool:
    """Whether every key of every view is served as a recount of the taken events says."""
    for view in world.views:
        (key,) = view.join_keys
        expected = recount(rows_of(taken), key, at_us)
        assert world.served(view, expected, at_us) == expected
    return True


def test_what_was_published_is_counted_once_in_every_view(world):
    worker, now = world.worker(), clock.now_us()
    taken = world.publish(some_events(3_000, 1, now))
    done = worker.round()
    assert (done.events, done.recovered) == (3_000, 0) and done.merged > 0
    assert agrees(world, taken, clock.now_us())
    assert worker.round().events == 0


def test_events_published_before_the_first_worker_are_counted_too(world):
    taken = world.publish(some_events(500, 2, clock.now_us()))
    assert world.worker().drain() == 500
    assert agrees(world, taken, clock.now_us())
