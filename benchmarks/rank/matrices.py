"""How each side gets the float32 matrix [items, 40] of a request: from its own store, in the same column order."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np

from benchmarks.online import reads, world

Matrix = Callable[[dict], Awaitable[np.ndarray]]


def ours(folder: Path, port: int) -> Matrix:
    from benchmarks.stores import feature_store
    from streamrank.stores.reader import OnlineReader

    reader = OnlineReader(feature_store("ours", folder, port), "request")
    order = reads.order_of(reader.names, "request")

    async def matrix(keys: dict) -> np.ndarray:  # in a thread, as the recommender does and as stock is read
        return reads.in_order((await asyncio.to_thread(reader.read, keys)).matrix, order)

    return matrix


def stock(folder: Path, port: int) -> Matrix:
    from benchmarks.stores import feature_store

    store = feature_store("stock", folder, port)
    service = store.get_feature_service("request")

    def read(keys: dict) -> np.ndarray:
        width = len(keys["item_id"])
        answer = store.get_online_features(service, reads.columns(keys, width))
        return reads.as_matrix(answer, "request", width)

    async def matrix(keys: dict) -> np.ndarray:
        return await asyncio.to_thread(read, keys)

    return matrix


def limit(folder: Path, port: int) -> Matrix:
    import redis.asyncio

    client = redis.asyncio.Redis(port=port)

    async def matrix(keys: dict) -> np.ndarray:
        raw, places = reads.raw_request(keys, world.REQUEST)
        return reads.raw_matrix(await client.mget(raw), places, world.REQUEST)

    return matrix


SIDES = {"ours": ours, "stock": stock, "limit": limit}
