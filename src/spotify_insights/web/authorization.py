"""Who may call an operation, and on whose behalf: what each route asks for in place of a user.

A route takes exactly one of these, with the scope that it needs:

    actor: Annotated[Actor, acting_for_listener(Scope.LISTENING_READ)]   the listener that `user_id` names
    actor: Annotated[Actor, acting_for_caller(Scope.INSIGHTS_READ)]      whose things the caller may see
    actor: Annotated[Actor, acting_for_operator(Scope.ADMIN_READ)]       the one who runs the installation
    principal: Annotated[Principal, caller(Scope.KEYS)]                  the caller as such
    principal: Annotated[Principal, person(Scope.KEYS)]                  the caller, with a browser

A foreign user looks like one that does not exist. What a route may see is decided here; that it sees nothing
else is the work of its query and, behind that, of row-level security.
"""

from typing import Annotated, Any, Final, cast

from fastapi import BackgroundTasks, Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer, SecurityScopes

from spotify_insights.access.authenticate import BearerToken, Credential, SessionCookie
from spotify_insights.access.principal import LOCAL_PRINCIPAL, Principal, PrincipalKind
from spotify_insights.access.scopes import Scope
from spotify_insights.accounts.profile import no_such_user
from spotify_insights.accounts.queries import registered_user
from spotify_insights.database.actor import Actor
from spotify_insights.errors import ForbiddenError, UnauthenticatedError
from spotify_insights.web.dependencies import HotReadsDep, RuntimeDep
from spotify_insights.web.hot_reads import HotReads
from spotify_insights.web.limits.request_limits import (
    limit_principal,
    limit_wrong_credential,
    refuse_shut_address,
)
from spotify_insights.web.parameters import UserId
from spotify_insights.web.recognise import recognise
from spotify_insights.web.session_cookie import SESSION_COOKIE, session_cookie_of

NOT_SIGNED_IN: Final = (
    "This needs a sign-in. Sign in with a browser, or send an API key as Authorization: Bearer."
)

# They only describe the two ways in the OpenAPI document; reading them is our own.
_BEARER: Final = HTTPBearer(
    auto_error=False, scheme_name="bearer", description="An API key, or an access token of /api/auth/token."
)
_COOKIE: Final = APIKeyCookie(
    auto_error=False,
    name=SESSION_COOKIE,
    scheme_name="session",
    description="The browser's session, after signing in.",
)


async def known_caller(
    request: Request, runtime: RuntimeDep, reads: HotReadsDep, background: BackgroundTasks
) -> Principal:
    """Who makes this request; found once, however many ask.

    Raises:
        UnauthenticatedError: nobody, or somebody whose credential counts no longer.
        TooManyRequestsError: that came from one address too often.
    """
    known = getattr(request.state, "principal", None)
    if known is None:
        try:
            known = request.state.principal = await _find(request, runtime, reads, background)
        except UnauthenticatedError:
            # Nobody tries out keys and tokens without end.
            await limit_wrong_credential(request)
            raise
    return cast("Principal", known)


async def _find(
    request: Request, runtime: RuntimeDep, reads: HotReads, background: BackgroundTasks
) -> Principal:
    credential = shown_credential(request, runtime)
    if runtime.settings.auth_mode == "open" and not isinstance(credential, BearerToken):
        return LOCAL_PRINCIPAL
    if credential is None:
        raise UnauthenticatedError(NOT_SIGNED_IN)
    refuse_shut_address(request)
    return await recognise(credential, runtime, reads, background)


def shown_credential(request: Request, runtime: RuntimeDep) -> Credential | None:
    """What the request shows; what stands in its header counts more than the browser's cookie.

    Raises:
        UnauthenticatedError: the header holds something that is no bearer token.
    """
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise UnauthenticatedError("Send the key or token as Authorization: Bearer, and nothing else.")
        return BearerToken(token.strip())
    cookie = session_cookie_of(request, runtime.settings)
    return None if cookie is None else SessionCookie(cookie)


KnownCaller = Annotated[Principal, Depends(known_caller)]


async def _allowed(
    request: Request,
    principal: KnownCaller,
    scopes: SecurityScopes,
    _bearer: Annotated[Any, Depends(_BEARER)],
    _cookie: Annotated[Any, Depends(_COOKIE)],
) -> Principal:
    await limit_principal(request, principal)
    missing = [scope for scope in scopes.scopes if Scope(scope) not in principal.scopes]
    if missing:
        raise ForbiddenError(f"This credential may not do that: it lacks the scope {missing[0]}.")
    return principal


async def acting_for(principal: Principal, user_id: Any, reads: HotReads) -> Actor:
    """The listener `user_id`, where the caller may act for them.

    Raises:
        NotFoundError: there is no such user, or not for this caller: both look the same.
    """
    if principal.user_id is not None and user_id != principal.user_id:
        if not principal.acts_for_others:
            raise no_such_user()
        if await reads.row(registered_user(user_id, principal.actor), acting_for=principal.actor) is None:
            raise no_such_user()
    return Actor.listener(user_id)


async def _listener(
    principal: Annotated[Principal, Depends(_allowed)], reads: HotReadsDep, user_id: UserId
) -> Actor:
    return await acting_for(principal, user_id, reads)


async def _actor(principal: Annotated[Principal, Depends(_allowed)]) -> Actor:
    return principal.actor


async def _operator(principal: Annotated[Principal, Depends(_allowed)]) -> Actor:
    return principal.operator


async def _person(principal: Annotated[Principal, Depends(_allowed)]) -> Principal:
    if principal.kind not in {PrincipalKind.SESSION, PrincipalKind.LOCAL}:
        raise ForbiddenError(
            "A key or token may not do that: what it makes would last longer than itself. Sign in with a "
            "browser, and do it there."
        )
    return principal


def acting_for_listener(scope: Scope) -> Any:
    """The listener whom the parameter `user_id` of path or query names."""
    return Security(_listener, scopes=[scope])


def acting_for_caller(scope: Scope) -> Any:
    """Whose things the caller may see."""
    return Security(_actor, scopes=[scope])


def acting_for_operator(scope: Scope) -> Any:
    """The one who runs the installation."""
    return Security(_operator, scopes=[scope])


def caller(scope: Scope) -> Any:
    """The caller as such."""
    return Security(_allowed, scopes=[scope])


def person(scope: Scope) -> Any:
    """The caller, who signed in with a browser: for what gives power that lasts longer than a credential."""
    return Security(_person, scopes=[scope])


def document_open_doors(schema: dict[str, Any]) -> None:
    """Say of every operation that it may also be called without a credential, as where AUTH_MODE is open.

    Args:
        schema: the OpenAPI document, changed in place.
    """
    for operations in schema["paths"].values():
        for operation in operations.values():
            if "security" in operation:
                operation["security"].append({})
