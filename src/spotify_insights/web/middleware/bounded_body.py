"""Bounds on what comes in."""

from typing import Final

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spotify_insights.web.middleware.refusal import refusal

BODY_LIMIT_BYTES: Final = 1024 * 1024
FORM: Final = "application/x-www-form-urlencoded"


class BoundedBody:
    """Refuses bodies that are too large or of a kind that their address does not take, before anything else.

    The API takes JSON alone, which no form of a foreign page can send; pages take forms alone.

    What a client still sends after its refusal is read and thrown away by the server: closing at once would
    let many clients see a broken connection in place of the answer.
    """

    def __init__(self, app: ASGIApp, *, limit: int = BODY_LIMIT_BYTES) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "").lstrip("0")
        if not declared and "transfer-encoding" not in headers:
            await self._app(scope, receive, send)
            return
        try:
            body = None if self._is_too_much(declared) else await self._whole_body(receive)
        except ClientDisconnect:
            return
        if body is None:
            too_large = refusal(
                scope,
                413,
                code="request_too_large",
                title="That is too much at once",
                detail=f"The body may have {self._limit // 1024} KiB at most.",
                to_do="Send less.",
            )
            await too_large(scope, receive, send)
        elif body and not _is_taken(scope["path"], headers.get("content-type", "")):
            form = not scope["path"].startswith("/api/")
            not_taken = refusal(
                scope,
                415,
                code="unsupported_content_type",
                title="This cannot be read",
                detail="What was sent is of a kind that this address does not take.",
                to_do=f"Send it as {FORM if form else 'application/json'}.",
            )
            await not_taken(scope, receive, send)
        else:
            await self._app(scope, _replayed(body, receive), send)

    def _is_too_much(self, declared: str) -> bool:
        # More digits than the limit has are too much without counting.
        return len(declared) > len(str(self._limit)) or (declared.isdecimal() and int(declared) > self._limit)

    async def _whole_body(self, receive: Receive) -> bytes | None:
        """The body; None where it is too large.

        Raises:
            ClientDisconnect: the client hung up before the end.
        """
        chunks: list[bytes] = []
        received = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunk: bytes = message.get("body", b"")
            chunks.append(chunk)
            received += len(chunk)
            if received > self._limit:
                return None
            if not message.get("more_body", False):
                return b"".join(chunks)


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _is_taken(path: str, content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return _is_json(media_type) if path.startswith("/api/") else media_type == FORM


def _is_json(media_type: str) -> bool:
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )
