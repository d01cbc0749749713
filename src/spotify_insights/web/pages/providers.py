"""Signing in through another service, and connecting it: away and back again, or by a token."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from pydantic import SecretStr
from starlette.responses import Response

from spotify_insights.access.one_time_links import hash_of_token
from spotify_insights.access.principal import Principal
from spotify_insights.database.actor import AUTHENTICATION
from spotify_insights.errors import InvalidInputError, NotFoundError, UnavailableError
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.sign_in.begin import Attempt, begin, new_browser_secret, take_attempt
from spotify_insights.sign_in.complete import SignedIn, SignIn
from spotify_insights.sign_in.problem import SignInError
from spotify_insights.sign_in.providers.provider import RedirectProvider, TokenProvider
from spotify_insights.web.dependencies import RuntimeDep
from spotify_insights.web.origin import origin_of
from spotify_insights.web.pages.browser_cookie import (
    browser_cookie_of,
    drop_browser_cookie,
    set_browser_cookie,
)
from spotify_insights.web.pages.browser_session import browser_of, let_in
from spotify_insights.web.pages.forms import NOTHING, Secret, Text
from spotify_insights.web.pages.page_route import PageRoute
from spotify_insights.web.pages.provider_problems import (
    LONGEST_WAIT,
    problem_address,
    problem_page,
)
from spotify_insights.web.pages.providers_offered import listenbrainz_settings
from spotify_insights.web.pages.rendering import render_page, see_other
from spotify_insights.web.pages.sign_in_address import login_address
from spotify_insights.web.pages.viewer import MaybeViewer, account_after, own_path

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Next = Annotated[str, Query(alias="next", max_length=2000)]
Invitation = Annotated[str, Query(max_length=500)]
_LONGEST_STATE = 200
_LONGEST_CODE = 4096
# These say nothing about anybody's rights, and everybody can bring them about by opening an address.
_NOT_AUDITED = frozenset({"unknown_attempt", "declined", "not_configured"})


async def _get_only(request: Request) -> None:
    # Each begins or ends an attempt, which whoever asks for headers alone does not want.
    if request.scope.get("only_headers"):
        raise HTTPException(405, headers={"Allow": "GET"})


@router.get("/auth/{provider}/login", dependencies=[Depends(_get_only)])
def login(
    request: Request,
    runtime: RuntimeDep,
    viewer: MaybeViewer,
    provider: str,
    next_path: Next = "",
    invitation: Invitation = "",
) -> Response:
    """Send the browser to the provider. Whoever is signed in connects their account with the one there."""
    asked = _by_redirect(runtime, provider)
    # The way back leads to PUBLIC_URL, where the cookies of another name for this machine are not sent.
    elsewhere = _address_under_public_url(request, runtime.settings)
    if elsewhere is not None:
        return see_other(elsewhere)
    wanted = own_path(next_path)
    if not asked.is_configured:
        return see_other(problem_address(asked, SignInError("not_configured"), next_path=wanted))
    browser = browser_cookie_of(request, runtime.settings) or new_browser_secret()
    with runtime.database.transaction(acting_for=AUTHENTICATION) as tx:
        address = begin(
            tx,
            runtime.sealer,
            asked,
            browser=browser,
            next_path=wanted,
            user_id=None if viewer is None else viewer.user_id,
            invitation_hash=hash_of_token(invitation) if invitation else None,
        )
    response = see_other(address)
    set_browser_cookie(response, runtime.settings, browser)
    return response


@router.get("/auth/{provider}/callback", dependencies=[Depends(_get_only)])
def callback(request: Request, runtime: RuntimeDep, viewer: MaybeViewer, provider: str) -> Response:
    """Sign in who comes back, and go on at once: this address holds a code, and must not stay anywhere."""
    asked = _by_redirect(runtime, provider)
    next_path = own_path("")
    try:
        attempt = _attempt(request, runtime, asked)
        next_path = own_path(attempt.next_path)
        signed_in = _come_back(request, runtime, asked, attempt, viewer)
    except SignInError as refusal:
        _note(request, runtime, asked.name, refusal)
        return see_other(problem_address(asked, refusal, next_path=next_path))
    except UnavailableError:
        return see_other(problem_address(asked, SignInError("unavailable"), next_path=next_path))
    response = let_in(see_other(account_after(next_path, asked.name)), runtime, signed_in.session)
    drop_browser_cookie(response, runtime.settings)
    return response


@router.get("/auth/{provider}/problem")
def problem(
    request: Request,
    runtime: RuntimeDep,
    viewer: MaybeViewer,
    provider: str,
    reason: Annotated[str, Query(max_length=40)] = "",
    wait: Annotated[int | None, Query(ge=1, le=int(LONGEST_WAIT.total_seconds()))] = None,
    next_path: Next = "",
) -> Response:
    """Say why a sign-in did not come about, and what to do."""
    asked = _by_redirect(runtime, provider)
    return problem_page(
        request,
        asked,
        SignInError.after(reason, wait),
        try_again=login_address(asked.name, next_path=own_path(next_path)),
        redirect_uri=asked.redirect_uri,
        is_signed_in=viewer is not None,
    )


@router.get("/auth/listenbrainz")
def token_form(
    request: Request,
    runtime: RuntimeDep,
    _viewer: MaybeViewer,
    next_path: Next = "",
    invitation: Invitation = "",
) -> Response:
    """Ask for the user token that stands in ListenBrainz's settings."""
    elsewhere = _address_under_public_url(request, runtime.settings)
    if elsewhere is not None:
        return see_other(elsewhere)
    return _token_page(request, next_path=next_path, invitation=invitation)


@router.post("/auth/listenbrainz")
def use_token(
    request: Request,
    runtime: RuntimeDep,
    viewer: MaybeViewer,
    token: Secret = NOTHING,
    next_path: Annotated[str, Form(alias="next", max_length=2000)] = "",
    invitation: Text = "",
) -> Response:
    """Sign in whose token it is, or connect them with who is signed in."""
    asked = _by_token(runtime, "listenbrainz")
    wanted = own_path(next_path)
    try:
        proof = asked.prove(token=SecretStr(token.get_secret_value().strip()))
        signed_in = _sign_in(runtime).complete(
            proof,
            browser_of(request, runtime.settings),
            viewer=viewer,
            invitation_hash=hash_of_token(invitation) if invitation else None,
        )
    except InvalidInputError as error:
        _note(request, runtime, asked.name, SignInError("token_refused"))
        problems = {error.field: error.message}
        return _token_page(request, next_path=next_path, invitation=invitation, problems=problems)
    except SignInError as refusal:
        _note(request, runtime, asked.name, refusal)
        return problem_page(
            request, asked, refusal, try_again="/auth/listenbrainz", is_signed_in=viewer is not None
        )
    return let_in(see_other(account_after(wanted, asked.name)), runtime, signed_in.session)


def _attempt(request: Request, runtime: Runtime, asked: RedirectProvider) -> Attempt:
    """The attempt that this request ends; used up by now.

    Raises:
        SignInError: there is none, or it is not this browser's.
    """
    state = request.query_params.get("state", "")
    if not 0 < len(state) <= _LONGEST_STATE:
        raise SignInError("unknown_attempt")
    with runtime.database.transaction(acting_for=AUTHENTICATION) as tx:
        attempt = take_attempt(
            tx,
            runtime.sealer,
            asked,
            state=SecretStr(state),
            browser=browser_cookie_of(request, runtime.settings),
        )
    if isinstance(attempt, SignInError):
        raise attempt
    return attempt


def _come_back(
    request: Request,
    runtime: Runtime,
    asked: RedirectProvider,
    attempt: Attempt,
    viewer: Principal | None,
) -> SignedIn:
    error = request.query_params.get("error")
    if error is not None:
        raise SignInError(_reason_of(error))
    code = request.query_params.get("code", "")
    if not 0 < len(code) <= _LONGEST_CODE:
        raise SignInError("unknown_attempt")
    if attempt.user_id != (None if viewer is None else viewer.user_id):
        raise SignInError("session_changed")
    proof = asked.prove(code=SecretStr(code), code_verifier=attempt.code_verifier)
    return _sign_in(runtime).complete(
        proof,
        browser_of(request, runtime.settings),
        viewer=viewer,
        invitation_hash=attempt.invitation_hash,
    )


def _reason_of(error: str) -> str:
    """RFC 6749, section 4.1.2.1."""
    if error == "access_denied":
        return "declined"
    return "provider_away" if error in {"server_error", "temporarily_unavailable"} else "app_refused"


def _sign_in(runtime: Runtime) -> SignIn:
    return SignIn(runtime.database, runtime.audit, runtime.cache, runtime.settings)


def _note(request: Request, runtime: Runtime, method: str, refusal: SignInError) -> None:
    if refusal.reason not in _NOT_AUDITED:
        _sign_in(runtime).note_refusal(method, refusal, origin_of(request))


def _by_redirect(runtime: Runtime, provider: str) -> RedirectProvider:
    asked = runtime.providers.by_redirect.get(provider)
    if asked is None:
        raise NotFoundError("Nobody signs in through a service of that name here.")
    return asked


def _by_token(runtime: Runtime, provider: str) -> TokenProvider:
    return runtime.providers.by_token[provider]


def _address_under_public_url(request: Request, settings: Settings) -> str | None:
    """The same address under PUBLIC_URL, where the browser used another name for this machine.

    It is asked for once only: behind a proxy that changes the host it would lead in circles.
    """
    public = urlsplit(settings.public_url)
    # Browsers leave out a port that goes without saying.
    ours = {public.netloc.lower(), public.netloc.lower().removesuffix(":443").removesuffix(":80")}
    if request.headers.get("host", "").lower() in ours or "moved" in request.query_params:
        return None
    query = f"{request.url.query}&moved=1" if request.url.query else "moved=1"
    return f"{settings.public_url.rstrip('/')}{request.url.path}?{query}"


def _token_page(
    request: Request, *, next_path: str, invitation: str, problems: dict[str, str] | None = None
) -> Response:
    return render_page(
        request,
        "listenbrainz.html",
        status=422 if problems else 200,
        settings_address=listenbrainz_settings(request.app.state.runtime.settings),
        next_path=own_path(next_path),
        invitation=invitation,
        problems=problems or {},
    )
