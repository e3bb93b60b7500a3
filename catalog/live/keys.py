"""The names of live state's keys. Those of a shard share the hash tag of its events, so that one script sees both.

streamrank!live:<project>:{<project>/<shard>}:sessions   a hash: epoch, version, position
                                              viewers    a hash: viewer's name -> the open session
                                              seen       a sorted set of viewers' names by their last sign
                                              names      a sorted set of viewers' names, in the order of items
                                              users!...  what updates have said of the shard's users
streamrank!live:<project>:{<project>/items}:...          what events have said of items
"""

from urllib.parse import quote


def shard_prefix(project: str, shard: int) -> bytes:
    """What the keys of a shard start with."""
    return _prefix(project, str(shard))


def items_prefix(project: str) -> bytes:
    """What the keys of all items start with."""
    return _prefix(project, "items")


def users_prefix(project: str, shard: int) -> bytes:
    """What the keys of a shard's users start with."""
    return shard_prefix(project, shard) + b"users!"


def live_prefix(project: str) -> bytes:
    """What all keys of a project's live state start with."""
    return f"streamrank!live:{quote(project, safe='')}:".encode()


def _prefix(project: str, part: str) -> bytes:
    return live_prefix(project) + f"{{{quote(project, safe='')}/{part}}}:".encode()
