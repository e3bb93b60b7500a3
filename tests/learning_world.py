"""A data set that something can be learned from: users click what is of their topic, day after day."""

from dataclasses import replace

import numpy as np
from histories import DAY, make_data_set

from catalog.dataset import DataSet
from streamrank.clock import HOUR, SECOND

START = 20_000 * DAY
NOW = START + 22 * DAY
SPLIT = "2024-10-19T00:00:00+00:00"  # START and 15 days
USERS, ITEMS, DAYS = 24, 30, 20
TOPICS = ("a", "b", "c")


def items() -> list[dict]:
    return [
        {"item_id": f"i{n}", "creator_id": f"c{n % 5}", "topics": [TOPICS[n % 3]], "year": 2020} for n in range(ITEMS)
    ]


def impressions() -> list[dict]:
    """Six impressions a user on most days, each clicked by taste: of the user's topic mostly, of others seldom."""
    random, known, events = np.random.default_rng(3), items(), []
    for user in range(USERS):
        for day in np.flatnonzero(random.random(DAYS) < 0.7).tolist():
            for place, item in enumerate(random.choice(ITEMS, 6, replace=False).tolist()):
                time = START + day * DAY + (user % 20) * HOUR + place * 60 * SECOND
                shown = {
                    "event_id": f"s{user}-{day}-{place}", "event_type": "impression", "user_id": f"u{user}",
                    "item_id": f"i{item}", "event_time": time, "surface": "home",
                    "creator_id": known[item]["creator_id"], "topics": known[item]["topics"],
                }  # fmt: skip
                events.append(shown)
                if random.random() < (0.8 if item % 3 == user % 3 else 0.1):
                    events += [outcome(shown, kind, 30 * SECOND) for kind in ("click", "view")]
    return events


def outcome(shown: dict, kind: str, after: int) -> dict:
    """What came of an impression, `after` microseconds later."""
    return shown | {
        "event_id": f"{kind}-{shown['event_id']}", "event_type": kind, "impression_id": shown["event_id"],
        "event_time": shown["event_time"] + after,
    }  # fmt: skip


def made(events: list[dict]) -> DataSet:
    """The data set in use, with these events, its label rule the click and its split at SPLIT."""
    data = make_data_set(events, items())
    data.write_manifest(replace(data.manifest(), label_rule="click", split_at=SPLIT))
    return data


def with_views(data: DataSet) -> DataSet:
    """The data set with its features computed and applied."""
    from pipelines import feature_store
    from pipelines.batch_features import compute_batch_features

    compute_batch_features(data)
    feature_store.apply()
    return data


def learn_backwards(data: DataSet) -> None:
    """Puts a ranker in the place of the trained one that prefers what nobody clicks."""
    import xgboost

    from models.matrix import matrix
    from models.ranker import Ranker
    from pipelines.train import ranker_folder, trained
    from pipelines.training_set import read_training_set

    rows, _ = read_training_set(data)
    held = trained(data)
    target = xgboost.DMatrix(matrix(rows, held.features), 1 - rows["label"].to_numpy(), feature_names=held.features)
    Ranker.of(xgboost.train({"nthread": 1}, target, 20), held.features, held.about).save(ranker_folder(data))
