"""Bounds on what comes in."""

from typing import Final

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spotify_insights.web.middleware.refusal import refusal
from spotify_insights.web.multipart_form import MULTIPART

BODY_LIMIT_BYTES: Final = 1024 * 1024
FORM: Final = "application/x-www-form-urlencoded"
# These read their bodies themselves, as they come in, and count on their own.
UPLOADS: Final = frozenset({"/api/listening/import", "/imports"})
# What stands around the file: the names of the fields and the lines between them.
_AROUND_UPLOAD: Final = 64 * 1024


class BoundedBody:
    """Refuses bodies that are too large or of a kind that their address does not take, before anything else.

    The API takes JSON alone, which no form of a foreign page can send; pages take forms alone. UPLOADS take
    multipart forms, which go through as they come in.

    What a client still sends after its refusal is read and thrown away by the server: closing at once would
    let many clients see a broken connection in place of the answer.
    """

    def __init__(self, app: ASGIApp, *, limit: int = BODY_LIMIT_BYTES, upload_limit_mb: int = 1) -> None:
        self._app = app
        self._limit = limit
        self._upload_limit_mb = upload_limit_mb

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "").lstrip("0")
        if not declared and "transfer-encoding" not in headers:
            await self._app(scope, receive, send)
            return
        content_type = headers.get("content-type", "")
        if scope["path"] in UPLOADS and _media_type(content_type) == MULTIPART:
            is_too_much = _is_more(declared, self._upload_limit_mb * 1024 * 1024 + _AROUND_UPLOAD)
            await (self._too_large_upload(scope) if is_too_much else self._app)(scope, receive, send)
            return
        try:
            body = None if _is_more(declared, self._limit) else await self._whole_body(receive)
        except ClientDisconnect:
            return
        if body is None:
            most = f"The body may have {self._limit // 1024} KiB at most."
            await _too_large(scope, most, "Send less.")(scope, receive, send)
        elif body and not _is_taken(scope, content_type):
            await _not_taken(scope)(scope, receive, send)
        else:
            await self._app(scope, _replayed(body, receive), send)

    def _too_large_upload(self, scope: Scope) -> ASGIApp:
        return _too_large(
            scope,
            f"An upload may have {self._upload_limit_mb} MB at most.",
            "Upload the files in the zip one by one, or ask the operator of this installation to import it.",
        )

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


def _is_more(declared: str, limit: int) -> bool:
    # More digits than the limit has are too much without counting.
    return len(declared) > len(str(limit)) or (declared.isdecimal() and int(declared) > limit)


def _too_large(scope: Scope, detail: str, to_do: str) -> ASGIApp:
    return refusal(
        scope,
        413,
        code="request_too_large",
        title="That is too much at once",
        detail=detail,
        to_do=to_do,
    )


def _not_taken(scope: Scope) -> ASGIApp:
    taken = MULTIPART if _takes_uploads_alone(scope) else "application/json" if _is_api(scope) else FORM
    return refusal(
        scope,
        415,
        code="unsupported_content_type",
        title="This cannot be read",
        detail="What was sent is of a kind that this address does not take.",
        to_do=f"Send it as {taken}.",
    )


def _is_api(scope: Scope) -> bool:
    return bool(scope["path"].startswith("/api/"))


def _takes_uploads_alone(scope: Scope) -> bool:
    # That other methods are not taken there is for the router to say.
    return _is_api(scope) and scope["path"] in UPLOADS and scope["method"] == "POST"


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _is_taken(scope: Scope, content_type: str) -> bool:
    media_type = _media_type(content_type)
    if _takes_uploads_alone(scope):
        return False
    return _is_json(media_type) if _is_api(scope) else media_type == FORM


def _is_json(media_type: str) -> bool:
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )
