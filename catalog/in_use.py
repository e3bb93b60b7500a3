"""Which stored model of a data set is in use, and how that came about: `models.json` beside the data set's manifest.

The store keeps every version; this record says which of them is served, so that a version may be put back without being
stored again. The service reads it when it starts.
"""

import json
import os
from dataclasses import asdict, dataclass
from typing import Literal

from catalog.dataset import DataSet
from streamrank import clock

FILE = "models.json"
Action = Literal["promoted", "rolled back"]


@dataclass(frozen=True)
class Change:
    """tag: put into use at `at` (ISO, UTC), in the place of `replaced`, None for the first. forced: though worse."""

    tag: str
    at: str
    action: Action
    replaced: str | None
    forced: bool = False


def history(data: DataSet) -> list[Change]:
    """Every change, the first one first."""
    path = data.home / FILE
    return [Change(**change) for change in json.loads(path.read_text())] if path.exists() else []


def in_use(data: DataSet) -> str | None:
    """The tag of the model in use; None where no change was ever recorded: the latest of the store is it then."""
    changes = history(data)
    return changes[-1].tag if changes else None


def put_into_use(data: DataSet, tag: str, replaced: str | None, action: Action, forced: bool = False) -> Change:
    """Records that `tag` is in use from now on."""
    change = Change(tag, clock.now().isoformat(), action, replaced, forced)
    data.home.mkdir(parents=True, exist_ok=True)
    partial = data.home / f".{FILE}.partial"
    partial.write_text(json.dumps([asdict(each) for each in (*history(data), change)], indent=1) + "\n")
    os.replace(partial, data.home / FILE)
    return change


def before(data: DataSet) -> str | None:
    """The tag that the one in use took the place of when it was promoted last; None where there was none."""
    changes = history(data)
    if not changes:
        return None
    promoted = [each for each in changes if each.tag == changes[-1].tag and each.action == "promoted"]
    return promoted[-1].replaced if promoted else None
