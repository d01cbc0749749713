"""Refuses what a foreign page makes a browser send in its user's name (CSRF).

A browser says with each request where it comes from, by `Sec-Fetch-Site` (Fetch Metadata Request Headers) or,
where that is missing, by `Origin`; a page cannot forge either. OWASP's cheat sheet on cross-site request
forgery describes the check.
"""

from typing import Final

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from spotify_insights.settings import Settings
from spotify_insights.web.middleware.authority import (
    WebOrigin,
    origin_of_url,
    parsed_authority,
    parsed_origin,
)
from spotify_insights.web.middleware.bounded_body import FORM
from spotify_insights.web.middleware.refusal import refusal
from spotify_insights.web.session_cookie import cookie_name

# RFC 9110, section 9.2.1. A callback of a provider is a GET, whose `state` is the wall.
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# `none` is what the user did: typed an address, opened a bookmark.
_OWN: Final = frozenset({"same-origin", "none"})


class SameOriginOnly:
    """Lets changes through that come from our own pages, or from programs.

    It looks at requests whose right a browser adds by itself: with the session cookie, as a form, or all of
    them where there is no sign-in. Nobody's page can make a browser send a bearer token; the API looks at
    nothing else where there is one, and pages look at the cookie alone.
    """

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self._app = app
        self._own = origin_of_url(settings.public_url)
        self._cookie = cookie_name(settings)
        self._is_open = settings.auth_mode == "open"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] == "http"
            and scope["method"] not in _SAFE
            and self._is_foreign(scope["path"], Headers(scope=scope))
        ):
            answer = refusal(
                scope,
                403,
                code="cross_site",
                title="This came from elsewhere",
                detail="This did not come from a page of this installation, so nothing was done.",
                to_do="Open the page here and try again; a program sends Authorization: Bearer.",
            )
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_foreign(self, path: str, headers: Headers) -> bool:
        if path.startswith("/api/") and _shows_bearer(headers):
            return False
        has_session = any(self._cookie in cookie_parser(cookie) for cookie in headers.getlist("cookie"))
        is_form = headers.get("content-type", "").partition(";")[0].strip().lower() == FORM
        if not (has_session or is_form or self._is_open):
            return False
        sites, origins = headers.getlist("sec-fetch-site"), headers.getlist("origin")
        if sites:
            return any(site not in _OWN for site in sites)
        if origins:
            return any(not self._is_own(parsed_origin(origin), headers) for origin in origins)
        # No browser of this decade sends neither with a change. Programs do, and have no cookie.
        return has_session

    def _is_own(self, origin: WebOrigin | None, headers: Headers) -> bool:
        if origin is None:
            return False
        if origin == self._own:
            return True
        # Without sign-in every spelling of this machine will do; another port is another program.
        host = parsed_authority(headers.get("host", ""))
        return (
            self._is_open
            and origin.is_local
            and host is not None
            and origin.answers_to(type(host)(origin.host, host.port))
        )


def _shows_bearer(headers: Headers) -> bool:
    shown = headers.getlist("authorization")
    return bool(shown) and all(value.partition(" ")[0].lower() == "bearer" for value in shown)
