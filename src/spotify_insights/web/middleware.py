"""What every request passes, as plain ASGI: an id, safe headers, and bounds on what comes in."""

import secrets
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spotify_insights.settings import LOOPBACK_HOSTS
from spotify_insights.web.problems import problem_response

BODY_LIMIT_BYTES: Final = 1024 * 1024
_SAFE_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


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


class LocalOnly:
    """Refuses requests that were not addressed to this machine, or come from a foreign page.

    Without sign-in, loopback is the only wall; a name that an attacker points at 127.0.0.1 (DNS rebinding)
    or a form on a foreign page must not get through it.
    """

    def __init__(self, app: ASGIApp, *, allowed_hosts: Iterable[str] = LOOPBACK_HOSTS) -> None:
        self._app = app
        self._allowed = frozenset(allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            origin = headers.get("origin")
            foreign = _host(f"//{headers.get('host', '')}") not in self._allowed or (
                origin is not None and _host(origin) not in self._allowed
            )
            if foreign:
                await problem_response(
                    scope.get("request_id", ""),
                    403,
                    code="local_only",
                    detail="Without sign-in this installation answers its own machine only. "
                    "Use http://127.0.0.1 or http://localhost.",
                )(scope, receive, send)
                return
        await self._app(scope, receive, send)


class BoundedBody:
    """Refuses bodies that are too large or not JSON, before anything reads them."""

    def __init__(self, app: ASGIApp, *, limit: int = BODY_LIMIT_BYTES) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "")
        has_body = "transfer-encoding" in headers or declared.strip("0") != ""
        if declared.isdigit() and int(declared) > self._limit:
            await self._refuse_size(scope, receive, send)
            return
        if has_body and not _is_json(headers.get("content-type", "")):
            await problem_response(
                scope.get("request_id", ""),
                415,
                code="unsupported_content_type",
                detail="Send the body as application/json.",
            )(scope, receive, send)
            return
        chunks: list[bytes] = []
        received = 0
        more = has_body
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            chunks.append(message.get("body", b""))
            received += len(chunks[-1])
            more = message.get("more_body", False)
            if received > self._limit:
                await self._refuse_size(scope, receive, send)
                return
        await self._app(scope, _replayed(b"".join(chunks), receive) if has_body else receive, send)

    async def _refuse_size(self, scope: Scope, receive: Receive, send: Send) -> None:
        await problem_response(
            scope.get("request_id", ""),
            413,
            code="request_too_large",
            detail=f"The body may have {self._limit // 1024} KiB at most.",
            headers={"Connection": "close"},
        )(scope, receive, send)


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        message: dict[str, Any] = {"type": "http.request", "body": body, "more_body": False}
        return message

    return replay


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
