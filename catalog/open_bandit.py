"""Open Bandit: what a fashion shop showed in three slots, at random or by Thompson sampling, and what was clicked.

Two policies ran side by side for a week, on each of three campaigns, and wrote down with which probability each showed
what it showed; so an estimate from one log can be held against the other. 10,000 rows of each log come out of the PyPI
wheel of obp, on the user's own machine (Saito, Aihara, Matsutani and Narita, NeurIPS 2021 datasets; ZOZO, Inc.).
"""

from pathlib import Path

import pyarrow as pa

from catalog.errors import InputError
from catalog.sql import query
from catalog.wheels import unpacked

WHEEL = "obp==0.4.1"
CAMPAIGNS, POLICIES = ("all", "men", "women"), ("random", "bts")
LOG = """
SELECT epoch_us("timestamp"::TIMESTAMPTZ) AS shown_at, item_id::INTEGER AS item, "position"::INTEGER AS slot,
       click::TINYINT AS click, propensity_score::DOUBLE AS propensity
FROM read_csv({file}, header = TRUE, all_varchar = TRUE) ORDER BY shown_at, item
"""


def log(cache: Path, policy: str, campaign: str) -> pa.Table:
    """One log, by time, fetched into `cache` unless it is there: shown_at (us UTC), item (code), slot (1 to 3), click
    (0 or 1), propensity (given the slot). policy: "random", each item alike, or "bts", Bernoulli Thompson sampling.

    Raises InputError when there is no such campaign or the data cannot be fetched.
    """
    if campaign not in CAMPAIGNS or policy not in POLICIES:
        raise InputError(f"open bandit: expected one of {CAMPAIGNS} and of {POLICIES}, found {campaign!r}, {policy!r}")
    file = f"obp/dataset/obd/{policy}/{campaign}/{campaign}.csv"
    path = unpacked(cache, WHEEL, [file], "open bandit") / file
    return query(LOG.format(file="'" + str(path).replace("'", "''") + "'"))
