import numpy as np
import pytest
import rich_world
import tastes

from models.retrieval.content import Content
from models.retrieval.source import StepsAside
from models.viewer import Viewer

ACTS, ITEMS = rich_world.known()
SOURCE = Content.fit(ACTS, ITEMS)
TOPICS = ITEMS.table["topics"].to_pylist()


def found(viewer: Viewer, source: Content = SOURCE, most: int = 10):
    return source.find(viewer, rich_world.moment(), np.ones(source.vectors.shape[0], bool), most)


def test_what_is_picked_leads_to_items_like_it():
    picked = np.flatnonzero([topics == TOPICS[0] for topics in TOPICS])[:2]
    best = found(Viewer(picked=picked)).places[:3]
    assert all(TOPICS[0][0] in TOPICS[place] for place in best)


def test_a_stated_topic_is_enough():
    topic = TOPICS[5][0]
    answer = found(Viewer(topics=(topic, "no topic of any item")))
    assert len(answer.places) and all(topic in TOPICS[place] for place in answer.places)


def test_only_unknown_topics_find_nothing():
    assert len(found(Viewer(topics=("no topic of any item",))).places) == 0


def test_a_new_item_is_found_at_once():
    row = {name: ITEMS.table[name][0].as_py() for name in ("topics", "creator_id", "title", "language")}
    grown = SOURCE.extended(rich_world.grown(ITEMS, **row))
    assert len(ITEMS) in found(Viewer(picked=np.array([0])), grown, 3).places


def test_an_item_that_has_nothing_in_common_scores_zero_and_is_not_proposed():
    viewer = Viewer(topics=(TOPICS[0][0],))
    other = np.array([place for place, topics in enumerate(TOPICS) if TOPICS[0][0] not in topics])
    answer = found(viewer, most=len(ITEMS))
    assert (answer.of(other) == 0).all() and not np.isin(other, answer.places).any()


def test_it_learns_which_fields_matter():
    """Users keep to a topic and care for no creator."""
    topics = np.arange(60) % 4
    items = rich_world.Items(
        rich_world.pa.table(
            {name: tastes.items(60).table[name] for name in tastes.items(60).table.column_names}
            | {"topics": [[f"t{topic}"] for topic in topics], "creator_id": [f"c{place // 6}" for place in range(60)]}
        )
    )
    random = np.random.default_rng(3)
    who, turn = np.repeat(np.arange(40), 12), np.tile(np.arange(12), 40)
    which = random.integers(0, 15, len(who)) * 4 + who % 4
    weights = Content.fit(tastes.of(who, which, turn * 1_000_000, 40, 60), items).weights
    assert weights[0] > 5 * weights[1] and (weights > 0).all()


def test_without_anything_told_it_steps_aside():
    with pytest.raises(StepsAside, match="needs items that share one of topics, creator_id"):
        Content.fit(tastes.acts(), tastes.items())


def test_without_acts_all_fields_count_alike():
    assert Content.fit(ACTS.only(slice(0)), ITEMS).weights.tolist() == [1.0] * 5
