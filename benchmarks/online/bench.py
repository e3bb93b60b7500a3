"""`streamrank bench online`: one view through the reader, a real request, and `get_online_features`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import sides
from benchmarks.agreement import same
from benchmarks.figures import Figure, Numbers, ratio
from benchmarks.online import world
from benchmarks.progress import Progress, silent
from benchmarks.server import private_valkey
from benchmarks.workplace import workplace

READS, FILLING = "benchmarks.online.reads", "benchmarks.online.filling"


@dataclass(frozen=True)
class Sizes:
    """items: of one request. repeat: requests a side; stock, whose reads take longer, makes a tenth, at least 20."""

    items: int = 1_000
    repeat: int = 500
    skip_stock: bool = False

    @property
    def few(self) -> int:
        return min(self.repeat, max(20, self.repeat // 10))


@dataclass(frozen=True)
class Filled:
    """A server with the world in it. place: the folder of the input. size: how much there is."""

    place: Path
    port: int
    size: Numbers


def bench(sizes: Sizes, folder: Path | None = None, progress: Progress = silent) -> Figure:
    """The figure is the bare one, 20 features of one view; `request` and `get_online_features` are its variants."""
    with workplace(folder) as place, filled(place, sizes.items, not sizes.skip_stock, progress) as server:
        bare = _question(server, sizes, "plain", progress)
        request = _question(server, sizes, "request", progress)
        stock = {"plain": bare.stock, "request": request.stock}
        feast = {name: _through_feast(server, sizes, name, stock[name], progress) for name in world.QUESTIONS}
    agree = all([bare.agree, request.agree, *(part["agree"] for part in feast.values())])
    more = {**bare.more, "request": request.variant(), "get_online_features": feast}
    return Figure("online", bare.size, bare.ours, bare.stock, bare.limit, agree, more)


@contextmanager
def filled(place: Path, items: int, stock: bool, progress: Progress) -> Iterator[Filled]:
    """A private server that all sides have written the world into, each under keys of its own."""
    with progress(f"online: generating what {items:,} items ask for"):
        size = sides.run(f"{READS.rpartition('.')[0]}.world:write", folder=place, items=items)
    with private_valkey(place / "valkey") as port:
        for side in ("ours", "stock") if stock else ("ours",):
            with progress(f"online: {side} materializes {sum(size['keys'].values()):,} keys"):
                sides.run(f"{FILLING}:feast", side=side, folder=place, port=port)
        sides.run(f"{FILLING}:raw", folder=place, port=port)
        yield Filled(place, port, size)


def _question(server: Filled, sizes: Sizes, question: str, progress: Progress) -> Figure:
    features = [name for view in world.QUESTIONS[question] for name in view.features]
    size = {**server.size, "features": len(features), "views": len(world.QUESTIONS[question]), "repeat": sizes.repeat}
    ask = partial(_asked, server, question, progress)
    limit = ask("mget", "limit", sizes.repeat)
    ours = ask("reader", "ours", sizes.repeat)
    stock = None if sizes.skip_stock else ask("feast", "stock", sizes.few, side="stock")
    more: Numbers = {}
    if not sizes.skip_stock:
        more["stock_precomputed"] = ask("precomputed", "precomputed", sizes.few)
        more["vs_stock_precomputed"] = ratio(more["stock_precomputed"], ours)
    return Figure("online", size, ours, stock, limit, _agree(server.place, question), more)


def _through_feast(server: Filled, sizes: Sizes, question: str, stock: Numbers | None, progress: Progress) -> Numbers:
    """Ours and stock through `get_online_features`: the first request of a process, and later ones."""
    ours = _asked(server, question, progress, "feast", "ours-feast", sizes.few, side="ours")
    first: Numbers = {"ours": _first(server, "ours", question, progress), "stock": None}
    if not sizes.skip_stock:
        first["stock"] = _first(server, "stock", question, progress)
    first["vs_stock"] = ratio(first["stock"], first["ours"])
    agree = same(_answers(server.place, "ours", question), _answers(server.place, "ours-feast", question))
    return {"ours": ours, "stock": stock, "vs_stock": ratio(stock, ours), "first_request": first, "agree": agree}


def _asked(server: Filled, question: str, progress: Progress, read: str, side_name: str, times: int, **more) -> Numbers:
    with progress(f"online, {question}: {side_name}"):
        answers = server.place / f"{side_name}-{question}.npy"
        place = {"folder": server.place, "port": server.port}
        return sides.run(f"{READS}:{read}", **place, question=question, times=times, answers=answers, **more)


def _first(server: Filled, side: str, question: str, progress: Progress, runs: int = 3) -> Numbers:
    """The median of a few fresh processes."""
    with progress(f"online, {question}: first request of {runs} processes of {side}"):
        call = partial(sides.run, f"{READS}:first", side=side, folder=server.place, port=server.port, question=question)
        figures = [call() for _ in range(runs)]
    return {name: float(np.median([figure[name] for figure in figures])) for name in figures[0]}


def _agree(place: Path, question: str) -> bool:
    """Ours and the limit agree on everything; stock, which applies no TTL online, wherever a value is not expired."""
    ours, limit = _answers(place, "ours", question), _answers(place, "limit", question)
    others = [
        _answers(place, side, question) for side in ("stock", "precomputed") if _path(place, side, question).exists()
    ]
    outlived = np.isnan(ours) & expired(place, question)
    return same(ours, limit) and all(same(ours, np.where(outlived, np.float32("nan"), other)) for other in others)


def expired(place: Path, question: str) -> np.ndarray:
    """Which answers come from rows past their TTL: bool [requests, items, features]."""
    asked, parts = world.requests(place), []
    for view in world.QUESTIONS[question]:
        rows = world.rows(place, view).select([*view.keys, "kind"]).to_pandas().set_index(list(view.keys))["kind"]
        past = rows.eq("expired").to_dict()
        part = np.array([_looked_up(past, asked.keys(i, set(view.keys)), view.keys) for i in range(world.ANSWERED)])
        width = asked.item_ids.shape[1]
        parts.append(np.broadcast_to(part[:, :, None], (world.ANSWERED, width, view.count)))
    return np.concatenate(parts, axis=2)


def _looked_up(past: dict, keys: dict, names: tuple[str, ...]) -> list[bool]:
    columns = [np.atleast_1d(keys[name]).tolist() for name in names]
    longest = max(map(len, columns))
    rows = zip(*(column * (longest // len(column)) for column in columns), strict=True)
    return [past[row if len(row) > 1 else row[0]] for row in rows]


def _answers(place: Path, side: str, question: str) -> np.ndarray:
    return np.load(_path(place, side, question))


def _path(place: Path, side: str, question: str) -> Path:
    return place / f"{side}-{question}.npy"
