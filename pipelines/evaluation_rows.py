"""What a ranker is tested on: the requests of the test part, and all that could have been shown in answer to each."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from catalog.dataset import DataSet
from catalog.sql import query
from pipelines import inputs
from pipelines.groups import GROUPED, grouped
from pipelines.interactions import interactions
from pipelines.labels import has_impressions, labelled
from pipelines.questions import parts
from pipelines.splits import split
from pipelines.visit_requests import by_visits, visit_requests
from pipelines.worlds import seen_leaves
from streamrank.clock import DAY, SECOND

MAX_ROWS, MAX_COLD = 2_000_000, 60
WHOLE = 2**62  # us: a span that holds all times
SEED = 7


@dataclass(frozen=True)
class EvaluationRows:
    """rows: GROUPED, and warm: whether the user has an event on an earlier UTC day than the request's; where times are
    only an order, at an earlier step.

    shown: the rows are impressions, so that a negative is known to be one and AUC can be told. requests: how many
    there are of each kind, "warm" and "cold", in all; where fewer are in `rows`, they are a sample.
    """

    rows: pa.Table
    shown: bool
    requests: dict[str, int]


def evaluation_rows(data: DataSet) -> EvaluationRows:
    """The test part's rows. Where impressions are logged: these, a user's day or a request being a group.

    Elsewhere a request is a user's UTC day in the test part with a positive, asked one microsecond before the first
    act of theirs in it, and ranks every item on the air that the user had not acted on before. Where times are only an
    order there are no days: a user's whole test part is one request, asked before its first act. Requests beyond
    MAX_ROWS rows, and cold ones beyond MAX_COLD, are sampled with a fixed seed. Where seen items return, or are on air
    while somebody acts on them, each act is a request (`visit_requests`).
    """
    every, tested = labelled_parts(data)
    if has_impressions(data):
        manifest = data.manifest()
        rows = _with_warm(data, grouped(tested, manifest.group_zone_hours, manifest.times == "order"))
        counts = query("SELECT count(DISTINCT qid) FILTER (warm) AS w, count(DISTINCT qid) AS n FROM rows", rows=rows)
        warm, total = counts["w"][0].as_py(), counts["n"][0].as_py()
        return EvaluationRows(rows, True, {"warm": warm, "cold": total - warm})
    return _visits(data) if by_visits(data) else _catalogue_requests(data, every, tested)


def labelled_parts(data: DataSet) -> tuple[pa.Table, pa.Table]:
    """(all labelled rows, those of the test part); StepMissing where nothing lies before the test part, or in it.

    Pairs of a user and an item may be too few to be parted where the acts that return to them are not.
    """
    every = labelled(data)
    learned, tested = split(every, data.manifest())
    if not (tested.num_rows and learned.num_rows) and not has_impressions(data) and by_visits(data):
        learned, tested = parts(data, seen_leaves(data, interactions(data)[0]))
    if not tested.num_rows or not learned.num_rows:
        raise inputs.StepMissing(
            f"data set {data.name!r} cannot be split in time: expected rows before and after, found "
            f"{learned.num_rows:,} to learn from and {tested.num_rows:,} to test on; load more data"
        )
    return every, tested


def _visits(data: DataSet) -> EvaluationRows:
    """Where seen items return, or are on air while somebody acts on them: see `visit_requests`."""
    found, requests = visit_requests(data, MAX_ROWS)
    warm = int(np.count_nonzero(_with_warm(data, requests)["warm"].to_numpy()))
    return EvaluationRows(_with_warm(data, found), False, {"warm": warm, "cold": requests.num_rows - warm})


def _catalogue_requests(data: DataSet, every: pa.Table, tested: pa.Table) -> EvaluationRows:
    span = WHOLE if data.manifest().times == "order" else DAY
    requests = _with_warm(data, query(REQUESTS.format(span=span), tested=tested))
    catalogue = inputs.catalogue(data)
    chosen = requests.filter(pa.array(_sampled(requests, catalogue.num_rows)))
    rows = query(CANDIDATES.format(span=span), requests=chosen, rows=every, tested=tested, catalogue=catalogue)
    warm = int(np.count_nonzero(requests["warm"].to_numpy()))
    counts = {"warm": warm, "cold": requests.num_rows - warm}
    return EvaluationRows(rows.cast(pa.schema([*GROUPED, pa.field("warm", pa.bool_())])), False, counts)


def _sampled(requests: pa.Table, catalogue: int) -> np.ndarray:
    """Which requests are tested, bool [requests]: warm ones before cold ones, in an order drawn once."""
    warm = requests["warm"].to_numpy()
    order = np.lexsort((np.random.default_rng(SEED).permutation(len(warm)), ~warm))
    room = max(1, MAX_ROWS // max(catalogue, 1))
    taken = order[: min(room, int(warm.sum()) + MAX_COLD)]
    return np.isin(np.arange(len(warm)), taken)


def _with_warm(data: DataSet, rows: pa.Table) -> pa.Table:
    unit = SECOND if data.manifest().times == "order" else DAY  # a step is kept as a second
    first = query(
        f"SELECT user_id, min(epoch_us(arrived_at)) // {unit} AS day FROM {inputs.events(data)} GROUP BY user_id"
    )
    sql = f"""SELECT r.*, coalesce(f.day < (r.request_time + 1) // {unit}, FALSE) AS warm
        FROM rows r LEFT JOIN first_days f USING (user_id) ORDER BY ALL"""
    return query(sql, rows=rows, first_days=first)


REQUESTS = """
SELECT row_number() OVER (ORDER BY min(shown_at), user_id) AS qid, user_id, min(shown_at) - 1 AS request_time,
    arg_min(surface, shown_at) AS surface
FROM tested GROUP BY user_id, shown_at // {span} HAVING max(label) = 1
"""
CANDIDATES = """
WITH wanted AS (
    SELECT q.qid, t.item_id, max(t.known_at) AS known_at FROM requests q JOIN tested t
        ON t.user_id = q.user_id AND t.shown_at > q.request_time
        AND t.shown_at // {span} = (q.request_time + 1) // {span} AND t.label = 1
    GROUP BY q.qid, t.item_id)
SELECT q.qid, (w.qid IS NOT NULL)::TINYINT AS label, q.user_id, c.item_id, q.request_time, q.surface,
    coalesce(w.known_at, q.request_time + 1) AS known_at, q.warm
FROM requests q CROSS JOIN catalogue c LEFT JOIN wanted w ON w.qid = q.qid AND w.item_id = c.item_id
WHERE coalesce(epoch_us(c.available_from) <= q.request_time, TRUE)
    AND coalesce(epoch_us(c.available_until) > q.request_time, TRUE)
    AND NOT EXISTS (FROM rows r WHERE r.user_id = q.user_id AND r.item_id = c.item_id AND r.shown_at <= q.request_time)
ORDER BY q.qid, c.item_id
"""
