"""Reading ahead in a thread: the next batch is read while the present one is written."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from queue import Full, Queue
from typing import TypeVar

T = TypeVar("T")
END = object()


@contextmanager
def reading_ahead(source: Iterable[T], depth: int = 2) -> Iterator[Iterator[T]]:
    """The items of `source`, at most `depth` of them waiting; what `source` raises is raised where they are taken.

    Leaving the block ends the reading, also in the middle.
    """
    waiting: Queue = Queue(depth)
    leaving = threading.Event()
    reader = threading.Thread(target=_read, args=(source, waiting, leaving), name="reading ahead", daemon=True)
    reader.start()
    try:
        yield _taken(waiting)
    finally:
        leaving.set()
        reader.join()


def _read(source: Iterable, waiting: Queue, leaving: threading.Event) -> None:
    items = iter(source)
    try:
        for item in items:
            if not _offer((item, None), waiting, leaving):
                return
        _offer((END, None), waiting, leaving)
    except BaseException as error:
        _offer((END, error), waiting, leaving)
    finally:
        if close := getattr(items, "close", None):
            close()


def _offer(item: tuple, waiting: Queue, leaving: threading.Event) -> bool:
    while not leaving.is_set():
        try:
            waiting.put(item, timeout=0.1)
            return True
        except Full:
            continue
    return False


def _taken(waiting: Queue) -> Iterator:
    while True:
        item, error = waiting.get()
        if error is not None:
            raise error
        if item is END:
            return
        yield item
