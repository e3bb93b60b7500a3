"""The client's side: one request after the other, and where the service says the time went."""

import time

import numpy as np

WARM = 100
SUMMED = {
    "streamrank_feature_read_seconds": "read", "streamrank_stage_seconds": "stage",
    "streamrank_source_seconds": "source",
}  # fmt: skip


def ask(url: str, users: int, times: int) -> dict:
    """p50_ms, p95_ms and p99_ms of a request of one client; parts: mean ms of each part of it, by the service's
    metrics; left_out: how often a source was late or failed."""
    import httpx

    asked = np.random.default_rng(1).integers(users, size=WARM + times).tolist()
    spent = np.empty(times)
    with httpx.Client(timeout=60) as client:
        for place, user in enumerate(asked):
            if place == WARM:
                before = _read(client, url)
            begin = time.perf_counter()
            answer = client.post(f"{url}/recommend", json={"user_id": user, "k": 20, "surface": "home"}).json()
            if place >= WARM:
                spent[place - WARM] = time.perf_counter() - begin
        after = _read(client, url)
    p50, p95, p99 = np.percentile(spent * 1e3, [50, 95, 99]).round(3).tolist()
    return {
        "p50_ms": p50, "p95_ms": p95, "p99_ms": p99,
        "parts": _means(before, after), "left_out": _left_out(before, after),
        "degraded": answer["degraded"], "items": len(answer["items"]),
    }  # fmt: skip


def _read(client, url: str) -> dict[tuple[str, str], float]:
    """(name of a sample, its first label's value) -> value."""
    from prometheus_client.parser import text_string_to_metric_families

    families = text_string_to_metric_families(client.get(f"{url}/metrics").text)
    samples = [sample for family in families for sample in family.samples if sample.name.startswith("streamrank_")]
    return {(each.name, " ".join(each.labels.values())): each.value for each in samples if "le" not in each.labels}


def _means(before: dict, after: dict) -> dict[str, float]:
    found = {}
    for name, kind in SUMMED.items():
        for metric, label in after:
            if metric == f"{name}_count" and (count := _grown(before, after, f"{name}_count", label)):
                found[f"{kind} {label}"] = round(_grown(before, after, f"{name}_sum", label) / count * 1e3, 3)
    return found


def _left_out(before: dict, after: dict) -> dict[str, int]:
    name = "streamrank_sources_left_out_total"
    counts = {label: int(_grown(before, after, name, label)) for metric, label in after if metric == name}
    return {label: count for label, count in counts.items() if count}


def _grown(before: dict, after: dict, metric: str, label: str) -> float:
    return after[metric, label] - before.get((metric, label), 0)
