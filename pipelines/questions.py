"""What a ranker is asked in training where no impressions are logged: whom, when, and what they wanted then."""

import pyarrow as pa

from catalog.dataset import DataSet
from catalog.sql import query
from pipelines import inputs
from pipelines.labels import has_impressions, labelled
from pipelines.splits import split
from pipelines.visits import visits_of
from streamrank.clock import DAY, SECOND

MOST, PER_DAY, SEED = 4_000, 2, 7
PLAIN = 1.0  # the weight of a plain view: an act of less says nothing for the item, but where there are only clicks

WANTED = pa.schema([
    pa.field("user_id", pa.string()),
    pa.field("item_id", pa.string()),
    pa.field("surface", pa.string()),
    pa.field("shown_at", pa.int64()),  # microseconds: when the visit began
    pa.field("known_at", pa.int64()),  # microseconds: when all that makes it wanted had arrived
])  # fmt: skip


def wanted(data: DataSet, seen_leaves: bool) -> pa.Table:
    """What users of the training part wanted: WANTED, by time; see `parts`."""
    return _wanted(parts(data, seen_leaves)[0])


def tested(data: DataSet, seen_leaves: bool) -> pa.Table:
    """The same of the test part."""
    return _wanted(parts(data, seen_leaves)[1])


def parts(data: DataSet, seen_leaves: bool) -> tuple[pa.Table, pa.Table]:
    """(training part, test part) of what users did.

    seen_leaves: each pair of user and item once, with its label; else every visit with an act that weighs as much as a
    plain view, since a user may want the same again. Impressions are each a row of their own in any case.
    """
    every = (
        labelled(data) if seen_leaves or has_impressions(data) else visits_of(data, 0 if _only_clicks(data) else PLAIN)
    )
    return split(every, data.manifest())


def _wanted(rows: pa.Table) -> pa.Table:
    found = query("SELECT * FROM rows WHERE label = 1 ORDER BY shown_at", rows=rows)
    return found.select(WANTED.names).cast(WANTED)


def _least(data: DataSet) -> float:
    """The weight of an act from which on it says that something was wanted."""
    return 0 if _only_clicks(data) else PLAIN


def _only_clicks(data: DataSet) -> bool:
    """Whether clicks are all that the log knows of what users did: by the label rule they say that something was wanted
    where nothing else could."""
    sql = f"SELECT count(*) AS n FROM {inputs.events(data)} WHERE event_type IN ('view', 'like', 'rating', 'session')"
    return query(sql)["n"][0].as_py() == 0


def span_of(data: DataSet) -> int:
    """us that a question is about: a UTC day; where times are only an order there are no days, and it is a step."""
    return SECOND if data.manifest().times == "order" else DAY


def questions(
    rows: pa.Table, since: int, seen_leaves: bool, most: int = MOST, span: int = DAY
) -> tuple[pa.Table, pa.Table]:
    """(qid, user_id, request_time, surface by time; qid, item_id, known_at: the answers), drawn with a fixed seed.

    rows: WANTED. since: us, the first instant that may be asked. A user is asked up to PER_DAY times a `span` of time,
    one microsecond before they act, for all they want in the rest of it; where what was seen returns, for what they act
    on at that very moment.
    """
    asked = query(ASKED.format(since=since, seed=SEED, day=span, per_day=PER_DAY, most=most), rows=rows)
    until = f"(q.request_time + 1) // {span} * {span} + {span}" if seen_leaves else "q.request_time + 2"
    return asked, query(ANSWERS.format(until=until), rows=rows, asked=asked)


# hash() gives the same order in every run; a random one would need a seed per connection.
ASKED = """
SELECT row_number() OVER (ORDER BY shown_at, user_id) AS qid, user_id, shown_at - 1 AS request_time, surface
FROM (SELECT DISTINCT ON (user_id, shown_at) * FROM (
    SELECT *, row_number() OVER (
        PARTITION BY user_id, shown_at // {day} ORDER BY hash(user_id, item_id, {seed})) AS turn
    FROM rows WHERE shown_at > {since})
    WHERE turn <= {per_day} ORDER BY user_id, shown_at, turn)
QUALIFY row_number() OVER (ORDER BY hash(user_id, shown_at, {seed})) <= {most}
ORDER BY qid
"""
ANSWERS = """
SELECT q.qid, r.item_id, max(r.known_at) AS known_at FROM asked q JOIN rows r
    ON r.user_id = q.user_id AND r.shown_at > q.request_time AND r.shown_at < {until}
GROUP BY q.qid, r.item_id ORDER BY q.qid, r.item_id
"""
