"""Workers and log writers as processes that can be killed, forked from one that has imported everything already."""

import logging
import multiprocessing
import os
import random
import signal
import threading
from datetime import timedelta
from pathlib import Path

from streamed_world import World

from streamrank.stores.connection import StoreUnreachable
from streamrank.stream import crashing
from streamrank.stream.log_writer import LogWriter

LEASE_SECONDS = 0.6
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["streaming_process"])


def start(run, *arguments) -> multiprocessing.Process:
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)  # where the process that is forked finds what it imports
    process = CONTEXT.Process(target=run, args=arguments, daemon=True)
    process.start()
    return process


def work(address: str, root: str, project: str, crash: float) -> None:
    """A worker, which kills itself with a probability of `crash` at each step; what it finishes goes to a file."""
    _log_to(Path(root) / "recoveries.txt", "streamrank.stream.taking_over")
    random.seed(os.urandom(8))
    crashing._PROBABILITY = crash
    worker = World(address, Path(root), project).worker(lease_seconds=LEASE_SECONDS, age_ms=5)
    worker.run(_until_terminated())


def write_log(address: str, root: str, project: str) -> None:
    world = World(address, Path(root), project)
    stop = _until_terminated()
    while not stop.is_set():
        try:
            LogWriter(world.bus, world.log, interval=timedelta(seconds=0.3)).run(stop)
        except StoreUnreachable:
            stop.wait(0.1)


def _until_terminated() -> threading.Event:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    return stop


def _log_to(file: Path, name: str) -> None:
    logging.basicConfig(filename=file.with_name("workers.log"), level=logging.WARNING, format="%(process)d %(message)s")
    handler = logging.FileHandler(file)
    handler.setFormatter(logging.Formatter("%(process)d %(message)s"))
    logging.getLogger(name).addHandler(handler)
    logging.getLogger(name).setLevel(logging.INFO)
