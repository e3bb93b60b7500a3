"""A side: ALS on very many users of the simulator: how long and in how much memory."""

from benchmarks.retrieve import world as worlds
from benchmarks.spent import spending
from models.retrieval.als import Als


def als(items: int, users: int, acts: int) -> dict:
    """seconds and peak_mb of the fit and of all users' vectors; base: of making the acts, which stay in memory."""
    sizes = worlds.Sizes(items, users, acts)
    world = worlds.world_of(sizes)
    catalogue = worlds.items_of(world)
    with spending() as before:
        done = worlds.acts_of(world, catalogue, acts)
    with spending() as fit:
        fitted = Als.fit(done, catalogue)
    with spending() as vectors:
        fitted.vectors(done)
    told = {"items": items, "users": users, "acts": acts, "pairs": int(done.matrix().nnz)}
    return told | fit.figures() | {"vectors": vectors.figures(), "base": before.figures()}
