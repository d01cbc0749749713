"""Which names a request may be addressed to: this machine's own without sign-in, else the public one."""

from typing import Final
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from spotify_insights.web.middleware.authority import origin_of_url, parsed_authority, parsed_origin
from spotify_insights.web.middleware.refusal import refusal, wants_page
from spotify_insights.web.pages.rendering import see_other

# Orchestrators and Prometheus ask every replica by its address.
_ASKED_BY_ADDRESS: Final = frozenset({"/health", "/health/live", "/health/ready", "/metrics"})


class LocalOnly:
    """Refuses requests that were not addressed to this machine, or come from a foreign page.

    Without sign-in, loopback is the only wall; a name that an attacker points at 127.0.0.1 (DNS rebinding)
    or a form on a foreign page must not get through it.
    """

    def __init__(self, app: ASGIApp, *, public_url: str) -> None:
        self._app = app
        self._public_url = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_local(Headers(scope=scope)):
            answer = refusal(
                scope,
                403,
                code="local_only",
                title="Only from its own machine",
                detail="Without sign-in this installation answers its own machine only.",
                to_do="There, use http://127.0.0.1 or http://localhost.",
                action=("Go to this machine's own address", self._public_url),
            )
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_local(headers: Headers) -> bool:
    hosts = [parsed_authority(host) for host in headers.getlist("host")]
    origins = [parsed_origin(origin) for origin in headers.getlist("origin")]
    return (
        len(hosts) == 1
        and all(host is not None and host.is_local for host in hosts)
        and all(origin is not None and origin.is_local for origin in origins)
    )


class PublicHostOnly:
    """Refuses requests for another host than PUBLIC_URL's, such as a name that an attacker points here.

    Links in answers, redirects and the check of a form's origin all rely on the name that was asked for.
    """

    def __init__(self, app: ASGIApp, *, public_url: str) -> None:
        self._app = app
        self._public_url = public_url
        self._origin = origin_of_url(public_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_ours(scope):
            answer = refusal(
                scope,
                421,
                code="misdirected_request",
                title="This is not its name",
                detail=f"This installation is reached at {self._public_url} and under no other name.",
                to_do="Go on there; bookmark that address.",
                action=("Go there", self._public_url),
            )
            if self._is_own_machine(scope):
                answer = see_other(f"{self._public_url.rstrip('/')}{_target(scope)}")
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_own_machine(self, scope: Scope) -> bool:
        """Whether somebody opens a page here by another name of the machine, such as localhost."""
        hosts = [parsed_authority(host) for host in Headers(scope=scope).getlist("host")]
        return (
            self._origin.is_local
            and scope["method"] in {"GET", "HEAD"}
            and wants_page(scope)
            and len(hosts) == 1
            and all(host is not None and host.is_local for host in hosts)
        )

    def _is_ours(self, scope: Scope) -> bool:
        hosts = Headers(scope=scope).getlist("host")
        if len(hosts) != 1:
            return False
        host = parsed_authority(hosts[0])
        return host is not None and (self._origin.answers_to(host) or scope["path"] in _ASKED_BY_ADDRESS)


def _target(scope: Scope) -> str:
    query = scope.get("query_string", b"").decode("latin-1")
    return quote(scope["path"]) + (f"?{query}" if query else "")
