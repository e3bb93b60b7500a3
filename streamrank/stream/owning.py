"""Which shards a worker owns: a fair share of them, renewed in the background while a batch is worked on."""

import logging
import random
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from streamrank.events.shards import SHARDS
from streamrank.stores.connection import StoreUnreachable
from streamrank.stream.leases import Claim, Leases, fair_share

logger = logging.getLogger(__name__)


class Owning:
    """epochs: of each shard that is owned. committed: of those that are ready, by what the server was told last."""

    def __init__(self, leases: Leases, ttl_seconds: float) -> None:
        self._leases, self._pause = leases, ttl_seconds / 3
        self._lock = threading.Lock()
        self._looked = -self._pause
        self.epochs: dict[int, int] = {}
        self.committed: dict[int, int] = {}

    def balance(self, now: bool = False) -> dict[int, Claim]:
        """Renews what is owned, gives away what is more than a fair share, and claims what is free up to it.

        Returns the new claims, which are worked on once `ready` says so. Looks every third of a lease only.
        """
        if not now and time.monotonic() - self._looked < self._pause:
            return {}
        self._looked = time.monotonic()
        share = fair_share(self.renew())
        held = self.held()
        surplus = dict(list(held.items())[share:])
        self._leases.release(surplus)
        self.drop(surplus)
        free = [shard for shard in random.sample(range(SHARDS), SHARDS) if shard not in held]
        return self._claimed(free, share - len(held))

    def _claimed(self, free: list[int], wanted: int) -> dict[int, Claim]:
        claims: dict[int, Claim] = {}
        while free and len(claims) < wanted:
            missing = wanted - len(claims)
            claims |= self._leases.claim(free[:missing])
            free = free[missing:]
        with self._lock:
            self.epochs |= {shard: claim.epoch for shard, claim in claims.items()}
        return claims

    def ready(self, committed: Mapping[int, int]) -> None:
        """The shards, if they are still owned, go on from these positions."""
        with self._lock:
            self.committed |= {shard: position for shard, position in committed.items() if shard in self.epochs}

    def held(self) -> dict[int, int]:
        """The epochs of this moment."""
        with self._lock:
            return dict(self.epochs)

    def drop(self, shards: Iterable[int]) -> None:
        """Owns the shards no more."""
        with self._lock:
            for shard in shards:
                self.epochs.pop(shard, None)
                self.committed.pop(shard, None)

    def clear(self) -> None:
        """Owns nothing, and claims anew when next asked to."""
        self.drop(list(self.epochs))
        self._looked = -self._pause

    def renew(self) -> int:
        """Renews the leases; how many workers live."""
        held = self.held()
        workers = self._leases.beat()
        if lost := self._leases.renew(held):
            logger.warning("shards %s are another worker's now", sorted(lost))
            self.drop({shard for shard in lost if self.epochs.get(shard) == held[shard]})
        return workers

    def leave(self) -> None:
        """Gives all shards away at once."""
        self._leases.release(self.held())
        self._leases.beat(alive=False)
        self.clear()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Renews in the background for the length of the block."""
        ended = threading.Event()

        def keep() -> None:
            while not ended.wait(self._pause):
                try:
                    self.renew()
                except StoreUnreachable as error:
                    logger.warning("leases could not be renewed: %s", error)

        thread = threading.Thread(target=keep, name="leases", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
