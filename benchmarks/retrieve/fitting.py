"""A side: ALS on very many users of the simulator: how long and in how much memory."""

import time

from benchmarks.retrieve import world as worlds
from benchmarks.spent import spending
from models.retrieval.als import Als


def als(items: int, users: int, acts: int) -> dict:
    """seconds, cpu_seconds and peak_mb of the fit and of all users' vectors; base: of making the acts, which stay in
    memory."""
    sizes = worlds.Sizes(items, users, acts)
    world = worlds.world_of(sizes)
    catalogue = worlds.items_of(world)
    with spending() as before:
        done = worlds.acts_of(world, catalogue, acts)
    begin = time.process_time()
    with spending() as fit:
        fitted = Als.fit(done, catalogue)
    middle = time.process_time()
    with spending() as vectors:
        fitted.vectors(done)
    end = time.process_time()
    told = {"items": items, "users": users, "acts": acts, "pairs": int(done.matrix().nnz)}
    of_vectors = vectors.figures() | {"cpu_seconds": round(end - middle, 2)}
    of_fit = fit.figures() | {"cpu_seconds": round(middle - begin, 2)}
    return told | of_fit | {"vectors": of_vectors, "base": before.figures()}
