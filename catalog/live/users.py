"""What user_updates say goes into the online store's row of the user."""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from catalog.live.attributes import AttributeRows
from catalog.live.keys import users_prefix
from catalog.live.latest import Latest
from catalog.live.restoring import Restoring
from catalog.live.user_states import USER_STATES, next_states
from streamrank.events.shards import SHARDS
from streamrank.stores.connection import Connection


class Users:
    """A processor of the worker. Whatever it writes is a row that a newer one beats, so it may write anything again."""

    def __init__(
        self, connection: Connection, project: str, attributes: AttributeRows, restoring: Restoring
    ) -> None:  # fmt: skip
        self._attributes, self._restoring = attributes, restoring
        prefixes = [users_prefix(project, shard) for shard in range(SHARDS)]
        self._users = [Latest(connection, prefix, USER_STATES, "user_id") for prefix in prefixes]

    def apply(
        self, events: Mapping[int, pa.Table], epochs: Mapping[int, int], firsts: Mapping[int, int],
        lasts: Mapping[int, int],
    ) -> None:  # fmt: skip
        """Takes in the user_updates among `events`."""
        for shard, each in events.items():
            about = each.filter(pc.and_(pc.equal(each["event_type"], "user_update"), pc.is_valid(each["user_id"])))
            if len(about):
                self._restoring.ensure()
                states = next_states(self._users[shard].get(about["user_id"].unique()), about)
                self._attributes.write(states)
                self._users[shard].put(states)

    def sweep(self, shards: Sequence[int], epochs: Mapping[int, int]) -> None:
        """Nothing happens to a user by time alone."""
