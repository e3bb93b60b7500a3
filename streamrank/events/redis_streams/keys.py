"""The names of a bus's keys. Those of a shard share a hash tag, so that a cluster keeps them on one node.

    streamrank!bus:<project>:{<project>/<shard>}:stream      the chunks, a Redis stream
                                                 state       a hash: last, added, freed, total, spans
                                                 ids:<span>  the digests of the event_ids taken in a span of time
                                                 consumers   a hash: consumer -> committed position
    streamrank!bus:<project>:schema:<fingerprint>            the Arrow schema of chunks
    streamrank!bus:<project>:<name>                          leases

They lie outside the prefix of the project's features, so that deleting a project's views leaves its events alone.
"""

from urllib.parse import quote


def shard_prefix(project: str, shard: int) -> bytes:
    """What the keys of a shard start with; scripts are given it as their key."""
    name = quote(project, safe="")
    return f"streamrank!bus:{name}:{{{name}/{shard}}}:".encode()


def project_key(project: str, name: str) -> bytes:
    """A key of the project that belongs to no shard."""
    return f"streamrank!bus:{quote(project, safe='')}:{name}".encode()
