"""Limits by address for what needs no caller, and the headers of every answer that was limited."""

from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request, cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spotify_insights.errors import TooManyRequestsError
from spotify_insights.web.limits.policy import LimitClass, Standing
from spotify_insights.web.limits.request_limits import limit_address, standings_of
from spotify_insights.web.middleware.refusal import refusal

# What probes, Prometheus and every page ask for.
_NOT_BY_ADDRESS: Final = ("/health", "/static", "/swagger", "/metrics")
# Whoever shows a credential here is counted by it, in `web.authorization`.
_BY_CREDENTIAL: Final = "/api"
# Where somebody tries a password, a link or a token.
_SIGN_IN: Final = (
    *("/sign-in", "/register", "/setup", "/invitation", "/reset-password", "/account/password", "/auth"),
    "/api/auth/token",
)
_SIGN_OUT: Final = "/auth/logout"


class AddressLimits:
    """Counts requests without a caller by their address, and attempts to sign in more strictly.

    Args:
        session_cookie: the name of the cookie that a browser shows its session with.
        everything: whether all anonymous requests count, or attempts to sign in alone: without sign-in there
            is nobody but the operator's own machine.
    """

    def __init__(self, app: ASGIApp, *, everything: bool, session_cookie: str) -> None:
        self._app = app
        self._everything = everything
        self._cookie = session_cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Made here, so that a copy of the scope further in has the same one.
        standings = standings_of(scope)

        async def send_with_standings(message: Message) -> None:
            if message["type"] == "http.response.start" and standings:
                _add_headers(MutableHeaders(scope=message), list(standings.values()))
            await send(message)

        try:
            classes = self._classes(scope)
            if classes:
                await limit_address(Request(scope), *classes)
        except TooManyRequestsError as error:
            seconds = int(error.retry_after.total_seconds())
            answer = refusal(
                scope,
                429,
                code=error.code,
                title="Too often for the moment",
                detail=error.message,
                to_do=f"Wait {seconds} s and try again.",
                headers={"Retry-After": str(seconds)},
            )
            await answer(scope, receive, send_with_standings)
            return
        await self._app(scope, receive, send_with_standings)

    def _classes(self, scope: Scope) -> list[LimitClass]:
        path = scope["path"]
        sign_in = _is_attempt(scope["method"], path)
        free = any(_is_under(path, prefix) for prefix in _NOT_BY_ADDRESS)
        known = _is_under(path, _BY_CREDENTIAL) and self._shows_credential(Headers(scope=scope))
        anonymous = sign_in or not (free or known)
        return [
            *([LimitClass.DEFAULT] if anonymous and self._everything else []),
            *([LimitClass.SIGN_IN] if sign_in else []),
        ]

    def _shows_credential(self, headers: Headers) -> bool:
        return "authorization" in headers or any(
            self._cookie in cookie_parser(cookie) for cookie in headers.getlist("cookie")
        )


def _is_attempt(method: str, path: str) -> bool:
    if path.startswith("/auth/") and path.endswith("/callback"):
        return True
    return method == "POST" and path != _SIGN_OUT and any(_is_under(path, prefix) for prefix in _SIGN_IN)


def _is_under(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")


def _add_headers(headers: MutableHeaders, standings: list[Standing]) -> None:
    # A class may count for several subjects, such as an address and an account: the one with less counts.
    least: dict[LimitClass, Standing] = {}
    for standing in standings:
        known = least.setdefault(standing.policy.limit_class, standing)
        if standing.remaining < known.remaining or not standing.granted:
            least[standing.policy.limit_class] = standing
    headers["RateLimit-Policy"] = ", ".join(standing.policy.header for standing in least.values())
    headers["RateLimit"] = ", ".join(standing.header for standing in least.values())
