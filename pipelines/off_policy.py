"""What other policies would have been worth on the requests that were served, from the propensities in the served log.

A row is an item in a slot, and its reward is taken to depend on the item and the slot, not on what else was shown (the
item-position model). Intervals draw users. Three things are told:

- what the slots that explored earned, against the others in the same slots: which slots explore is drawn, so that the
  difference is the price of learning, without any weight;
- the list without exploration, on the slots that it fills from the top whatever is drawn;
- the ranker trained last, with as much exploration by epsilon, on requests that were logged with all candidates.

An item that is not explored never stands above its place in the list, nor far below it. What a new ranker would show
there the log cannot tell: `covered` is the share of its slots that the log speaks of; ips leaves the others out, and
snips takes them to be like those.
"""

from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa

from catalog.dataset import DataSet
from models import bootstrap, off_policy
from models.matrix import matrix
from models.off_policy import Logged
from models.outcome_rates import cross_fitted
from models.ranker import Ranker
from models.rerank.exploration import propensities
from pipelines.inputs import StepMissing
from pipelines.served_outcomes import shown_rows, whole_requests
from pipelines.train import trained

CLIP = 100.0
WITHOUT, NEW = "the list without exploration", "the ranker trained last"
NOT_WHOLE = "no request was logged with all its candidates (STREAMRANK_SERVED_SAMPLE_RATE is the share that is)"


def estimated(data: DataSet) -> dict:
    """rows, requests, exploration, and policies: name -> slots, as served, covered, support, estimates; or a reason.

    Raises StepMissing when nothing was served with a propensity long enough ago.
    """
    rows = shown_rows(data)
    shown = Shown.of(rows)
    found = {"rows": rows.num_rows, "requests": shown.requests}
    if shown.explored.any():
        found["exploration"] = _exploration(shown)
    return found | {"policies": {WITHOUT: _without(shown), NEW: _new(data)}}


@dataclass(frozen=True)
class Shown:
    """Shown rows as arrays [n], by request and slot. users, items: codes. slots: from 0. explored: bool. starts: each
    row's request's first row. sizes: rows of its request. kept: rows of it down to this one that were not explored."""

    users: np.ndarray
    items: np.ndarray
    slots: np.ndarray
    rewards: np.ndarray
    propensity: np.ndarray
    explored: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray
    kept: np.ndarray

    @classmethod
    def of(cls, rows: pa.Table) -> "Shown":
        requests = _codes(rows["request_id"])
        firsts, sizes = np.flatnonzero(np.diff(requests, prepend=-1)), np.bincount(requests)
        explored = np.asarray(rows["explored"].to_numpy(), bool)
        running, starts = np.r_[0, np.cumsum(~explored)], np.repeat(firsts, sizes)
        return cls(
            _codes(rows["user_id"]), _codes(rows["item_id"]), rows["slot"].to_numpy() - 1, rows["reward"].to_numpy(),
            rows["propensity"].to_numpy(), explored, starts, np.repeat(sizes, sizes), running[1:] - running[starts],
        )  # fmt: skip

    @property
    def requests(self) -> int:
        return len(np.unique(self.starts))


def _exploration(shown: Shown) -> dict:
    """Rewards of explored slots and of the others, these weighted so that each slot counts as often as it explores."""
    rates = np.bincount(shown.slots, shown.explored) / np.maximum(np.bincount(shown.slots), 1)
    alike = np.where(shown.explored, 1.0, (rates / np.maximum(1 - rates, 1e-9))[shown.slots])
    explored, others = (np.where(shown.explored == side, shown.rewards, np.nan) for side in (True, False))
    return {
        "share": float(shown.explored.mean()),
        "explored": asdict(bootstrap.mean(explored, shown.users, alike)),
        "others": asdict(bootstrap.mean(others, shown.users, alike)),
    }


def _without(shown: Shown) -> dict:
    """A slot is told of where, whatever was drawn, the list without exploration has an item that was shown."""
    most = np.zeros(shown.sizes.max() + 1, np.int64)
    np.maximum.at(most, shown.sizes, shown.sizes - _kept_of_request(shown))
    told = shown.slots < (shown.sizes - most[shown.sizes])
    if not told.any():
        return {"reason": "every slot explored in some request, so that nobody knows the list without it"}
    in_its_slot = ~shown.explored & (shown.kept == shown.slots + 1)
    expected, every = cross_fitted(shown.items, shown.rewards, shown.items.max() + 1, shown.users), np.arange(len(told))
    logged = Logged(
        rewards=shown.rewards[told], propensity=shown.propensity[told], target=in_its_slot[told].astype(np.float64),
        shown=expected[every, shown.items][told], chosen=expected[every, _undrawn(shown)][told],
        units=shown.users[told],
    )  # fmt: skip
    return _told(logged, shown.slots[told])


def _kept_of_request(shown: Shown) -> np.ndarray:
    """Rows of each row's request that were not explored, [n]."""
    return shown.kept[shown.starts + shown.sizes - 1]


def _undrawn(shown: Shown) -> np.ndarray:
    """The item that each slot would show without exploration, [n]; what it shows where that is not known."""
    items, kept = shown.items.copy(), ~shown.explored
    items[(shown.starts + shown.kept - 1)[kept]] = shown.items[kept]
    return items


def _new(data: DataSet) -> dict:
    try:
        ranker, rows = trained(data), whole_requests(data)
    except StepMissing as error:
        return {"reason": str(error)}
    if not rows.num_rows:
        return {"reason": NOT_WHOLE}
    if missing := sorted(set(ranker.features) - set(rows.column_names)):
        return {"reason": f"the served log lacks features that it takes: {', '.join(missing[:3])} and so on"}
    return _rescored(ranker, rows)


def _rescored(ranker: Ranker, rows: pa.Table) -> dict:
    """Of each request's candidates in the order of the new scores: how likely each would have come where it stood."""
    scores, requests = ranker.score(matrix(rows, ranker.features)), _codes(rows["request_id"])
    order = np.lexsort((-scores, requests))
    firsts, sizes = np.flatnonzero(np.diff(requests, prepend=-1)), np.bincount(requests)
    positions = np.empty(len(order), np.int64)
    positions[order] = np.arange(len(order)) - np.repeat(firsts, sizes)
    returned = np.asarray(rows["returned"].to_numpy(), bool)
    share = float(np.asarray(rows["explored"].to_numpy(), bool)[returned].mean())
    target = np.zeros(len(order))
    for first, size in zip(firsts.tolist(), sizes.tolist(), strict=True):
        own = first + np.flatnonzero(returned[first : first + size])
        target[own] = propensities(positions[own], size, share)
    rows = rows.append_column("target", pa.array(target)).filter(pa.array(returned))
    logged = Logged(
        rows["reward"].to_numpy(), rows["propensity"].to_numpy(), rows["target"].to_numpy(),
        units=_codes(rows["user_id"]),
    )  # fmt: skip
    return _told(logged, rows["slot"].to_numpy() - 1)


def _told(logged: Logged, slots: np.ndarray) -> dict:
    served = bootstrap.mean(logged.rewards, logged.units)
    return {
        "slots": f"1 to {slots.max() + 1}",
        "rows": len(slots),
        "as served": asdict(served),
        "covered": min(1.0, off_policy.support(logged).mean_weight),
        "support": asdict(off_policy.support(logged, CLIP)),
        "estimates": {name: asdict(found) for name, found in off_policy.estimates(logged, CLIP).items()},
    }


def _codes(column: pa.ChunkedArray) -> np.ndarray:
    return column.combine_chunks().dictionary_encode().indices.to_numpy()
