"""Work beside the requests, done in small pieces with long rests: each request bears a little of it and none much."""

import threading
import time

PIECE_SECONDS = 0.0003  # worth a rest: less than a request notices, more than the rest itself costs


class Rests:
    """Called by one thread after each small step of its work; `end` by any."""

    def __init__(self, times: float) -> None:
        """times: how long to rest, in times that the thread has worked since the last rest."""
        self._times, self._ended, self._rested = times, threading.Event(), 0.0

    def __call__(self) -> None:
        worked = time.thread_time() - self._rested
        if worked >= PIECE_SECONDS:
            self._ended.wait(self._times * worked)
            self._rested = time.thread_time()

    def end(self) -> None:
        """From now on nobody rests: the process ends."""
        self._ended.set()
