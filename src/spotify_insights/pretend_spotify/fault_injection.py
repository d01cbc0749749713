"""The layer in front of the routes in which queued faults happen."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, cast

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spotify_insights.pretend_spotify.failures import OAuthError, WebApiError
from spotify_insights.pretend_spotify.faults import (
    AccessTokenExpired,
    CannedAnswer,
    Delay,
    FaultQueue,
    InsteadOfAnswer,
    InvalidJson,
    OwnerNotPremium,
    QuotaExceeded,
    RateLimited,
    ResetMidBody,
    ServerFailure,
    SlowBody,
    SpoiltAnswer,
    UserNotAllowlisted,
)

# The ASGI extension through which a server offers to reset the connection of a request.
RESET_EXTENSION: Final = "pretend_spotify.reset"
_DRIPS: Final = 10
# Long enough for the first half of a body to leave the process before the reset overtakes it.
_HALF_SENT_S: Final = 0.05
_NOT_ALLOWLISTED: Final = "User not registered in the Developer Dashboard"
_NOT_PREMIUM: Final = (
    "Active premium subscription required for the owner of the app. When the subscription status changes, "
    "it can take a few hours before requests are allowed again."
)


class FaultInjection:
    """Lets a request through unless a fault waits for it."""

    def __init__(self, app: ASGIApp, *, faults: Callable[[], FaultQueue], spare: str) -> None:
        self._app = app
        self._faults = faults
        self._spare = spare

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(self._spare):
            await self._app(scope, receive, send)
            return
        fault = self._faults().take(scope["path"])
        if fault is None:
            await self._app(scope, receive, send)
            return
        if isinstance(fault, SpoiltAnswer):
            await self._spoil(fault, scope, receive, send)
        else:
            await _answer_of(fault, path=scope["path"])(scope, receive, send)

    async def _spoil(self, fault: SpoiltAnswer, scope: Scope, receive: Receive, send: Send) -> None:
        start, body = await _captured(self._app, scope, receive)
        match fault:
            case Delay(seconds=seconds):
                if await _patient(seconds, receive):
                    await send(start)
                    await send({"type": "http.response.body", "body": body})
            case SlowBody(seconds=seconds):
                await _drip(start, body, receive, send, seconds=seconds)
            case InvalidJson():
                await _send_cut(start, body, send)
            case ResetMidBody():
                await send(start)
                await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
                await _reset(scope, receive)


def _answer_of(fault: InsteadOfAnswer, *, path: str) -> Response:
    match fault:
        case RateLimited() | QuotaExceeded():
            return _too_many(fault)
        case ServerFailure(status=status):
            return _server_failure(HTTPStatus(status), path=path)
        case UserNotAllowlisted() | OwnerNotPremium():
            text = _NOT_ALLOWLISTED if isinstance(fault, UserNotAllowlisted) else _NOT_PREMIUM
            return PlainTextResponse(text, HTTPStatus.FORBIDDEN)
        case AccessTokenExpired():
            expired = WebApiError(HTTPStatus.UNAUTHORIZED, "The access token expired")
            return JSONResponse(expired.body, expired.status)
        case CannedAnswer():
            return Response(fault.body, fault.status, fault.headers, fault.content_type)


def _too_many(fault: RateLimited | QuotaExceeded) -> Response:
    status = HTTPStatus.TOO_MANY_REQUESTS
    if isinstance(fault, QuotaExceeded):
        error = WebApiError(status, "Too many requests", reason="QUOTA_EXCEEDED")
    else:
        error = WebApiError(status, "API rate limit exceeded")
    return JSONResponse(error.body, status, {"Retry-After": str(fault.retry_after)})


def _server_failure(status: HTTPStatus, *, path: str) -> Response:
    if path.startswith("/v1/"):
        return JSONResponse(WebApiError(status, status.phrase).body, status)
    return JSONResponse(OAuthError("server_error", status.phrase).body, status)


async def _captured(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    """What `app` would have answered: the message that starts it, and the whole body."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    return messages[0], b"".join(message.get("body", b"") for message in messages[1:])


async def _patient(seconds: float, receive: Receive) -> bool:
    """Wait; says whether the client waited as well."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return True
    return False


async def _drip(start: Message, body: bytes, receive: Receive, send: Send, *, seconds: float) -> None:
    await send(start)
    size = max(1, -(-len(body) // _DRIPS))
    for begin in range(0, len(body), size):
        if not await _patient(seconds / _DRIPS, receive):
            return
        await send({"type": "http.response.body", "body": body[begin : begin + size], "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_cut(start: Message, body: bytes, send: Send) -> None:
    cut = body[: len(body) // 2]
    headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
    await send({**start, "headers": [*headers, (b"content-length", str(len(cut)).encode())]})
    await send({"type": "http.response.body", "body": cut, "more_body": False})


async def _reset(scope: Scope, receive: Receive) -> None:
    extension = scope.get("extensions", {}).get(RESET_EXTENSION)
    if extension is None:
        raise ConnectionResetError(
            "This server cannot reset a connection; run it through `running` or `serve`."
        )
    await asyncio.sleep(_HALF_SENT_S)
    cast("Callable[[], None]", extension["reset"])()
    while (await receive())["type"] != "http.disconnect":
        pass
