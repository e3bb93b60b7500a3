"""The client: one request after the other, and many at a given rate."""

import asyncio
import json
import time
from pathlib import Path

import numpy as np

from benchmarks.online import world
from benchmarks.rank_live.service import ROUTE
from benchmarks.spent import latencies, percentiles

CONNECTIONS = 64
RATES = (10, 20, 30, 40, 50, 60, 70, 80, 100, 120, 140, 160, 200, 250, 300)


def ask(url: str, folder: str, times: int) -> dict:
    """p50_ms and p99_ms of a request of one client."""
    import httpx

    bodies = _bodies(Path(folder))
    with httpx.Client(timeout=60) as client:

        def call(i: int) -> list[float]:
            body = bodies[i % len(bodies)]
            answer = client.post(f"{url}{ROUTE}", content=body, headers={"content-type": "application/json"})
            return answer.raise_for_status().json()

        return latencies(call, times, warm=30)


def most(url: str, folder: str, seconds: float, limit_ms: float) -> dict:
    """rps: the highest of RATES at which p99 stays below `limit_ms`, with requests sent at their times whether or not
    earlier ones are answered; by_rate: p50 and p99 of each rate that was tried."""
    bodies, by_rate, best = _bodies(Path(folder)), {}, 0
    for rate in RATES:
        found = percentiles(asyncio.run(_at_rate(url, bodies, rate, seconds)))
        by_rate[str(rate)] = found
        if found["p99_ms"] >= limit_ms:
            break
        best = rate
    return {"rps": best, "by_rate": by_rate}


def _bodies(folder: Path) -> list[bytes]:
    asked = world.requests(folder)
    return [
        json.dumps({"user_id": int(asked.user_ids[i]), "item_ids": asked.item_ids[i].tolist()}).encode()
        for i in range(world.REQUESTS)
    ]


async def _at_rate(url: str, bodies: list[bytes], rate: int, seconds: float) -> np.ndarray:
    """Seconds from the time at which each request was due to its answer."""
    host, port = url.removeprefix("http://").split(":")
    idle: asyncio.Queue = asyncio.Queue()
    for _ in range(CONNECTIONS):
        idle.put_nowait(await asyncio.open_connection(host, int(port)))
    began, count = time.perf_counter() + 0.1, int(rate * seconds)
    spent = np.empty(count)

    async def one(i: int) -> None:
        due = began + i / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        line = await idle.get()
        await _post(*line, bodies[i % len(bodies)])
        idle.put_nowait(line)
        spent[i] = time.perf_counter() - due

    await asyncio.gather(*(one(i) for i in range(count)))
    while not idle.empty():
        idle.get_nowait()[1].close()
    return spent[count // 10 :]


async def _post(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
    head = (
        f"POST {ROUTE} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
    length = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length"))
    await reader.readexactly(length)
    if " 200 " not in lines[0]:
        raise RuntimeError(f"the service answered {lines[0]!r}")
