"""Rows of one view read back: as they are stored, and as Arrow columns."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from streamrank.stores.packing.columns import Stored


@dataclass(frozen=True)
class Rows:
    """Rows read back. found: bool [n]. event_us, created_us: int64 [n], 0 where not found.

    stored: by feature, what the rows hold of it. known: bool [n] by feature, whether the row's layout has it with its
    present type.
    """

    found: np.ndarray
    event_us: np.ndarray
    created_us: np.ndarray
    stored: dict[str, Stored]
    known: dict[str, np.ndarray]


@dataclass(frozen=True)
class Unpacked:
    """Rows read back as Arrow. found: bool [n]. event_us, created_us: int64 [n], 0 where not found.

    columns: by feature, of its declared Arrow type, null where it is missing or null.
    """

    found: np.ndarray
    event_us: np.ndarray
    created_us: np.ndarray
    columns: dict[str, pa.Array]
    _known: dict[str, np.ndarray]

    def known(self, name: str) -> np.ndarray:
        """bool [n]: whether the row's layout has the feature with its present type, null or not."""
        return self._known[name]
