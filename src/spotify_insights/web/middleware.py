"""What every request passes, as plain ASGI: an id, safe headers, and bounds on what comes in."""

import re
import secrets
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spotify_insights.observability import get_logger
from spotify_insights.settings import is_loopback
from spotify_insights.web.problems import internal_error, problem_response

_log = get_logger(__name__)
BODY_LIMIT_BYTES: Final = 1024 * 1024
# What a policy must say besides `default-src`, which does not stand for these (CSP Level 3, section 6).
EMBEDDED_NOWHERE: Final = "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_SAFE_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": f"default-src 'none'; {EMBEDDED_NOWHERE}",
    "Cache-Control": "no-store",
}
# RFC 9110, section 7.2, as far as addresses of one's own machine need it; urlsplit would be too forgiving.
_AUTHORITY: Final = re.compile(r"(?:\[([0-9a-f:.]+)\]|([0-9a-z.-]+))(?::[0-9]{1,5})?", re.IGNORECASE)


class RequestId:
    """Gives each request an id: in its answer, in its log lines, in its problem document."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope["request_id"] = request_id

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in _SAFE_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._app(scope, receive, send_with_headers)


class LastResort:
    """Answers 500 where nothing else answered. Starlette's own would stand outside `RequestId`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answered = False

        async def send_and_remember(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_remember)
        except Exception:
            _log.exception("request_crashed", method=scope["method"], path=scope["path"])
            if answered:
                # Half an answer is out: only breaking off tells the client.
                raise
            await internal_error(scope["request_id"])(scope, receive, send)


class HeadAsGet:
    """HEAD is GET without the body (RFC 9110, section 9.3.2), whatever the route says."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        answered = False

        async def send_head(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                # The router left it in the copy; those outside ask for it here.
                scope["route"] = as_get.get("route")
            elif answered:
                return
            else:
                # Where nothing of the body is sent, nobody waits for the end of a stream.
                answered = True
                message = {**message, "body": b"", "more_body": False}
            await send(message)

        as_get = {**scope, "method": "GET"}
        await self._app(as_get, receive, send_head)


class LocalOnly:
    """Refuses requests that were not addressed to this machine, or come from a foreign page.

    Without sign-in, loopback is the only wall; a name that an attacker points at 127.0.0.1 (DNS rebinding)
    or a form on a foreign page must not get through it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_local(Headers(scope=scope)):
            await problem_response(
                scope["request_id"],
                403,
                code="local_only",
                detail="Without sign-in this installation answers its own machine only. "
                "Use http://127.0.0.1 or http://localhost.",
            )(scope, receive, send)
            return
        await self._app(scope, receive, send)

    @staticmethod
    def _is_local(headers: Headers) -> bool:
        hosts = headers.getlist("host")
        return (
            len(hosts) == 1
            and is_loopback(_host(hosts[0]))
            and all(is_loopback(_host(_authority(origin))) for origin in headers.getlist("origin"))
        )


class BoundedBody:
    """Refuses bodies that are too large or not JSON, before anything interprets them.

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
            await problem_response(
                scope["request_id"],
                413,
                code="request_too_large",
                detail=f"The body may have {self._limit // 1024} KiB at most.",
            )(scope, receive, send)
        elif body and not _is_json(headers.get("content-type", "")):
            await problem_response(
                scope["request_id"],
                415,
                code="unsupported_content_type",
                detail="Send the body as application/json.",
            )(scope, receive, send)
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


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )


def _authority(origin: str) -> str:
    """What stands behind `http://` or `https://`; nothing for other origins such as "null"."""
    scheme, _, authority = origin.partition("://")
    return authority if scheme in {"http", "https"} else ""


def _host(authority: str) -> str:
    match = _AUTHORITY.fullmatch(authority)
    return "" if match is None else (match[1] or match[2]).lower()
