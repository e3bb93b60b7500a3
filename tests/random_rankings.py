"""Random rows to rank, and random lists, for hypothesis."""

import numpy as np
from hypothesis import strategies as st


@st.composite
def rows(draw, distinct: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Groups, labels and scores of up to 60 rows; distinct scores or many ties."""
    size = draw(st.integers(1, 60))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    scores = random.permutation(size).astype(float) if distinct else random.integers(0, 4, size).astype(float)
    return random.integers(-3, 6, size), random.integers(0, 2, size), scores


@st.composite
def lists(draw, most: int = 12) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Answered lists and wanted places of up to 6 requests, among 15 places; both may be empty."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    sizes = draw(st.lists(st.tuples(st.integers(0, most), st.integers(0, 8)), min_size=1, max_size=6))
    return tuple([random.permutation(15)[:size] for size in each] for each in zip(*sizes, strict=True))


def by_group(groups, labels, scores):
    """Each group's labels and scores from the best score down, in the order of the sorted codes."""
    for code in np.unique(groups):
        best_first = np.argsort(-scores[groups == code])
        yield labels[groups == code][best_first], scores[groups == code][best_first]
