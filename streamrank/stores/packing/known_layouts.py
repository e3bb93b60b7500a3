"""The layouts of a view's stored rows: those met before, the others asked of the server once."""

from collections.abc import Iterator, Mapping

import pyarrow as pa

from streamrank.stores.connection import Connection
from streamrank.stores.packing.columns import layout_ids
from streamrank.stores.packing.layout import Layout


class KnownLayouts(Mapping[int, Layout]):
    """Layouts by id. Looking up an unknown id asks the server; KeyError where it has none either.

    A layout never changes under its id, so none is ever forgotten.
    """

    def __init__(self, connection: Connection, key: bytes) -> None:
        self._connection, self._key, self._known = connection, key, {}

    def with_own(self, layout: Layout) -> "KnownLayouts":
        """These, and one that needs no asking."""
        self._known.setdefault(layout.id, layout)
        return self

    def __getitem__(self, identity: int) -> Layout:
        if identity not in self._known:
            self._learn(self._connection.get_fields(self._key))
        return self._known[identity]

    def __iter__(self) -> Iterator[int]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    async def prepare(self, values: pa.LargeBinaryArray) -> None:
        """Asks the server without blocking, where one of `values` has a layout that is not known yet."""
        if not layout_ids(values) <= self._known.keys():
            self._learn(await self._connection.get_fields_async(self._key))

    def _learn(self, fields: Mapping[bytes, bytes]) -> None:
        layouts = map(Layout.parse, fields.values())
        self._known |= {layout.id: layout for layout in layouts}


def fields_of(layout: Layout) -> dict[bytes, bytes]:
    """The layout as a field of the hash at a view's `layouts_key`."""
    return {f"{layout.id:016x}".encode(): layout.to_json().encode()}
