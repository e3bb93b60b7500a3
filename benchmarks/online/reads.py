"""The sides of an online read: each measures its calls, then writes its answers as float32 [request, item, feature]."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import redis

from benchmarks.online import world
from benchmarks.online.filling import raw_keys
from benchmarks.spent import latencies, spending
from streamrank import clock

Read = Callable[[int], object]


def reader(folder: str, port: int, question: str, times: int, answers: str) -> dict:
    """Ours: `OnlineReader.read`, up to the float32 matrix."""
    from benchmarks.stores import feature_store
    from streamrank.stores.reader import OnlineReader

    store, asked, keys = feature_store("ours", Path(folder), port), world.requests(Path(folder)), _keys(question)
    features = OnlineReader(store, question)
    order = order_of(features.names, question)
    figures = latencies(lambda i: features.read(asked.keys(i, keys)).matrix, times)
    _save(answers, lambda i: in_order(features.read(asked.keys(i, keys)).matrix, order))
    return figures


def feast(side: str, folder: str, port: int, question: str, times: int, answers: str) -> dict:
    """`get_online_features`; apart, what it takes with the float32 matrix that a model needs (as_matrix)."""
    call, asked = _get_online_features(side, folder, port, question), world.requests(Path(folder))
    width = len(asked.item_ids[0])
    figures = latencies(call, times)
    with_matrix = latencies(lambda i: as_matrix(call(i), question, width), times)
    _save(answers, lambda i: as_matrix(call(i), question, width))
    return {**figures, "as_matrix": with_matrix}


def precomputed(folder: str, port: int, question: str, times: int, answers: str) -> dict:
    """Stock with `precompute_online`: a service and a call a view, since a service is precomputed for one key only.

    Feast 0.67 finds precomputed vectors only under full feature names.
    """
    from benchmarks.stores import feature_store

    place = Path(folder)
    store, asked = feature_store("stock", place, port), world.requests(place)
    width = len(asked.item_ids[0])
    views = [(v, store.get_feature_service(f"precomputed_{v.name}")) for v in world.QUESTIONS[question]]

    def read(view: world.View, service, i: int):
        rows = columns(asked.keys(i, set(view.keys)), width, broadcast="item_id" in view.keys or len(view.keys) > 1)
        return store.get_online_features(service, rows, full_feature_names=True)

    def call(i: int) -> list:
        return [read(view, service, i) for view, service in views]

    figures = latencies(call, times)
    _save(answers, lambda i: _widened(call(i), question, asked.keys(i, _keys("request"))))
    return {**figures, "calls": len(views)}


def first(side: str, folder: str, port: int, question: str) -> dict:
    """The first `get_online_features` of a fresh process; what comes before it is counted apart.

    import_ms: importing Feast and the store. store_ms: making the store and finding the service in its registry.
    """
    with spending() as importing:
        import benchmarks.stores  # noqa: F401
    with spending() as making:
        call = _get_online_features(side, folder, port, question)
    with spending() as spent:
        call(0)
    return {
        "p50_ms": round(spent.seconds * 1e3, 2),
        "store_ms": round(making.seconds * 1e3, 1),
        "import_ms": round(importing.seconds * 1e3, 1),
    }


def mget(folder: str, port: int, question: str, times: int, answers: str) -> dict:
    """The practical limit: one MGET of raw rows, one numpy view a feature view, and the TTL as one comparison."""
    client, asked, views = redis.Redis(port=port), world.requests(Path(folder)), world.QUESTIONS[question]
    needed = _keys(question)
    wanted = [raw_request(asked.keys(i, needed), views) for i in range(world.REQUESTS)]

    def read(i: int) -> np.ndarray:
        keys, places = wanted[i % len(wanted)]
        return raw_matrix(client.mget(keys), places, views)

    figures = latencies(read, times)
    _save(answers, read)
    return figures


def _get_online_features(side: str, folder: str, port: int, question: str) -> Read:
    from benchmarks.stores import feature_store

    place = Path(folder)
    store, asked, keys = feature_store(side, place, port), world.requests(place), _keys(question)
    service, width = store.get_feature_service(question), len(asked.item_ids[0])
    return lambda i: store.get_online_features(service, columns(asked.keys(i, keys), width))


def columns(keys: dict, width: int, broadcast: bool = True) -> dict[str, list]:
    """Entity rows by column, as Feast takes them: lists, the user repeated where others stand beside it."""
    return {
        name: ([value] * (width if broadcast else 1) if isinstance(value, int) else value.tolist())
        for name, value in keys.items()
    }


def as_matrix(answer, question: str, width: int) -> np.ndarray:
    """Feast's answer as the matrix that a model takes, NaN for missing."""
    named = answer.to_dict()
    matrix = np.empty((width, len(_features(question))), np.float32)
    for n, name in enumerate(_features(question)):
        matrix[:, n] = np.array(named[name], np.float32)
    return matrix


def _widened(answers: list, question: str, keys: dict) -> np.ndarray:
    """The answers of one call a view as one matrix: what was asked once is repeated for every item."""
    width, parts = len(keys["item_id"]), []
    for view, answer in zip(world.QUESTIONS[question], answers, strict=True):
        named = answer.to_dict()
        part = np.stack([np.array(named[f"{view.name}__{name}"], np.float32) for name in view.features], axis=1)
        parts.append(np.broadcast_to(part, (width, view.count)))
    return np.concatenate(parts, axis=1)


def order_of(names, question: str) -> list[int] | None:
    """Where the question's features stand in `names`; None when they stand in order."""
    order = [list(names).index(name) for name in _features(question)]
    return None if order == list(range(len(names))) else order


def in_order(matrix: np.ndarray, order: list[int] | None) -> np.ndarray:
    return matrix if order is None else matrix[:, order]


def raw_request(asked: dict, views: tuple[world.View, ...]) -> tuple[list[bytes], list[tuple]]:
    """Keys to fetch, each once, and for each view where its values begin and end and which one each item takes."""
    shape, keys, places = asked["item_id"].shape, [], []
    for view in views:
        components = np.stack([np.broadcast_to(asked[name], shape) for name in view.keys])
        _, first, rows = np.unique(components[0] << 32 | components[-1], return_index=True, return_inverse=True)
        places.append((len(keys), len(keys) + len(first), rows))
        keys += raw_keys(view, components[:, first].tolist())
    return keys, places


def raw_matrix(values: list[bytes], places: list[tuple], views: tuple[world.View, ...]) -> np.ndarray:
    """Fetched rows as one float32 matrix [items, features], NaN for missing."""
    parts = [_view(values[begin:end], view)[rows] for view, (begin, end, rows) in zip(views, places, strict=True)]
    return np.concatenate(parts, axis=1)


def _view(values: list[bytes], view: world.View) -> np.ndarray:
    row = np.dtype([("event", "<i8"), ("values", "<f4", view.count)])
    packed = np.frombuffer(b"".join(values), row)
    if not view.ttl_days:
        return packed["values"]
    expired = clock.now_us() - packed["event"] > view.ttl_days * clock.DAY
    return np.where(expired[:, None], np.float32("nan"), packed["values"])


def _features(question: str) -> list[str]:
    return [name for view in world.QUESTIONS[question] for name in view.features]


def _keys(question: str) -> set[str]:
    return {name for view in world.QUESTIONS[question] for name in view.keys}


def _save(answers: str, read: Callable[[int], np.ndarray]) -> None:
    np.save(answers, np.stack([read(i) for i in range(world.ANSWERED)]))
