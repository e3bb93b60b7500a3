"""What may reach a service at all: a JSON body of a bounded size. All else is answered 415 or 413 here."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import ValidationError
from starlette.datastructures import Headers
from starlette.responses import JSONResponse

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class JsonDoor:
    """ASGI middleware before the API: BentoML itself would also read forms, and bodies of any size."""

    def __init__(self, app: Callable[..., Awaitable[None]], path: str, largest: int) -> None:
        """largest: bytes of a body."""
        self.app, self.path, self.largest = app, path, largest

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self.path or scope["method"] != "POST":
            return await self.app(scope, receive, send)
        kind = Headers(scope=scope).get("content-type", "application/json").split(";")[0].strip().lower()
        if kind != "application/json":
            return await _refuse(415, f"Content-Type: expected application/json, found {kind!r}")(scope, receive, send)
        body = await _read(receive, self.largest)
        if body is None:
            return await _refuse(413, f"body: expected at most {self.largest} bytes")(scope, receive, send)
        return await self.app(scope, _replay(body, receive), send)


def _refuse(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=status)


async def _read(receive: Receive, largest: int) -> bytes | None:
    """The whole body, or None when it is larger than allowed."""
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > largest:
            return None
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


class WithoutTracebacks(logging.Filter):
    """A refused request is the caller's affair: one line in the log, without a traceback and what the body held."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if isinstance(error, ValidationError):
            fields = ", ".join(sorted({".".join(map(str, line["loc"])) or "body" for line in error.errors()}))
            record.msg, record.args, record.exc_info = "refused a request: %s", (fields,), None
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True
