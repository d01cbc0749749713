"""Becoming somebody here: the first admin by the printed link, others by invitation, or everybody."""

from collections.abc import Callable, Sequence
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import SecretStr
from starlette.responses import Response

from spotify_insights.access.one_time_links import LinkOverError, LinkPurpose, find_link, hash_of_token
from spotify_insights.database.actor import AUTHENTICATION
from spotify_insights.database.database import Transaction
from spotify_insights.errors import InvalidInputError
from spotify_insights.runtime import Runtime
from spotify_insights.sign_in.first_admin import make_first_admin, may_set_up
from spotify_insights.sign_in.local_accounts import Credentials, UsernameTakenError, new_credentials
from spotify_insights.sign_in.registration import RegistrationRefusedError, is_open, join, may_register
from spotify_insights.web.dependencies import RuntimeDep
from spotify_insights.web.origin import origin_of
from spotify_insights.web.pages.browser_session import begin_session, let_in
from spotify_insights.web.pages.forms import (
    NOTHING,
    Secret,
    Text,
    check_typed_twice,
    problems_of,
    status_of,
    usable_timezone,
)
from spotify_insights.web.pages.page_route import PageRoute
from spotify_insights.web.pages.providers_offered import Offer, start_addresses
from spotify_insights.web.pages.rendering import message_page, render_page, see_other

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Token = Annotated[str, Query(max_length=500)]
Join = Callable[[Transaction, Credentials], UUID]

_SETUP: Final = {
    "title": "Welcome. You are the first.",
    "lead": "Choose how you sign in. You will be the admin of this installation: you invite others, and see "
    "that everything runs. What they listen to stays theirs.",
    "button": "Set up this installation",
}
_INVITATION: Final = {
    "title": "You are invited",
    "lead": "Choose a name and a password, and this is yours.",
    "button": "Create my account",
}
_REGISTER: Final = {
    "title": "Create your account",
    "lead": "A name and a password are all it takes.",
    "button": "Create my account",
}


@router.get("/setup")
def setup_page(request: Request, runtime: RuntimeDep, token: Token = "") -> Response:
    """Ask whoever followed the printed link to be the first admin."""
    with runtime.database.transaction(acting_for=AUTHENTICATION) as tx:
        works = may_set_up(tx, hash_of_token(token))
    return _form(request, _SETUP) if works else _setup_over(request)


@router.post("/setup")
def set_up(
    request: Request,
    runtime: RuntimeDep,
    token: Token = "",
    username: Text = "",
    password: Secret = NOTHING,
    password_again: Secret = NOTHING,
    timezone: Text = "",
) -> Response:
    """Make the first admin, and sign them in."""

    def make(tx: Transaction, credentials: Credentials) -> UUID:
        return make_first_admin(
            tx,
            runtime.audit,
            credentials,
            token_hash=hash_of_token(token),
            timezone=usable_timezone(timezone),
            origin=origin_of(request),
        )

    try:
        return _let_join(request, runtime, username, password, password_again, make)
    except LinkOverError:
        return _setup_over(request)
    except (InvalidInputError, UsernameTakenError) as error:
        return _form(request, _SETUP, username=username, error=error)


@router.get("/invitation")
def invitation_page(request: Request, runtime: RuntimeDep, token: Token = "") -> Response:
    """Let whoever holds an invitation choose how they sign in."""
    with runtime.database.transaction(acting_for=AUTHENTICATION) as tx:
        token_hash = hash_of_token(token)
        allowed = may_register(tx, runtime.settings, token_hash)
        works = find_link(tx, LinkPurpose.INVITATION, token_hash) is not None
    if not works:
        return _invitation_over(request)
    if not allowed:
        return _nobody_new(request)
    return _form(request, _INVITATION, offers=start_addresses(runtime.settings, invitation=token))


@router.post("/invitation")
def accept_invitation(
    request: Request,
    runtime: RuntimeDep,
    token: Token = "",
    username: Text = "",
    password: Secret = NOTHING,
    password_again: Secret = NOTHING,
    timezone: Text = "",
) -> Response:
    """Make the account, use the invitation up, and sign them in."""
    try:
        return _let_join(
            request,
            runtime,
            username,
            password,
            password_again,
            _joining(request, runtime, timezone, invitation=token),
        )
    except LinkOverError:
        return _invitation_over(request)
    except RegistrationRefusedError:
        return _nobody_new(request)
    except (InvalidInputError, UsernameTakenError) as error:
        return _form(
            request,
            _INVITATION,
            username=username,
            error=error,
            offers=start_addresses(runtime.settings, invitation=token),
        )


@router.get("/register")
def register_page(request: Request, runtime: RuntimeDep) -> Response:
    """Let everybody join, where the operator allows that."""
    if not is_open(runtime.settings):
        return _nobody_new(request)
    return _form(request, _REGISTER, offers=start_addresses(runtime.settings))


@router.post("/register")
def register(
    request: Request,
    runtime: RuntimeDep,
    username: Text = "",
    password: Secret = NOTHING,
    password_again: Secret = NOTHING,
    timezone: Text = "",
) -> Response:
    """Make the account, and sign them in."""
    if not is_open(runtime.settings):
        return _nobody_new(request)
    try:
        return _let_join(
            request, runtime, username, password, password_again, _joining(request, runtime, timezone)
        )
    except (InvalidInputError, UsernameTakenError) as error:
        return _form(
            request, _REGISTER, username=username, error=error, offers=start_addresses(runtime.settings)
        )


def _joining(request: Request, runtime: Runtime, timezone: str, *, invitation: str | None = None) -> Join:
    def make(tx: Transaction, credentials: Credentials) -> UUID:
        return join(
            tx,
            runtime.settings,
            runtime.audit,
            credentials,
            invitation_hash=None if invitation is None else hash_of_token(invitation),
            timezone=usable_timezone(timezone),
            origin=origin_of(request),
        )

    return make


def _let_join(
    request: Request,
    runtime: Runtime,
    username: str,
    password: SecretStr,
    password_again: SecretStr,
    make: Join,
) -> Response:
    """Make somebody, and let them in. Hashing is done before the transaction, which makes others wait."""
    check_typed_twice(password, password_again)
    credentials = new_credentials(username, password)
    with runtime.database.transaction(acting_for=AUTHENTICATION) as tx:
        user_id = make(tx, credentials)
        started = begin_session(tx, request, runtime, user_id)
    return let_in(see_other("/account?welcome=1"), runtime, started)


def _form(
    request: Request,
    words: dict[str, str],
    *,
    username: str = "",
    error: InvalidInputError | UsernameTakenError | None = None,
    offers: Sequence[Offer] = (),
) -> Response:
    # The form goes to the address that it came from, which has the token: no page repeats it.
    return render_page(
        request,
        "join.html",
        status=200 if error is None else status_of(error),
        **words,
        username=username[:100],
        problems={} if error is None else problems_of(error),
        providers=offers,
    )


def _setup_over(request: Request) -> Response:
    return message_page(
        request,
        status=410,
        title="This set-up link is over",
        what_happened="It has been used, is older than a day, or this installation has an admin by now.",
        what_to_do=[
            "If you are the admin, sign in.",
            (
                "If there is none yet, run “spotify-insights accounts setup-link” where the server runs, "
                "and open the link that it prints."
            ),
        ],
        actions=[("Sign in", "/sign-in")],
    )


def _invitation_over(request: Request) -> Response:
    return message_page(
        request,
        status=410,
        title="This invitation is over",
        what_happened="It has been accepted already, has expired, or was withdrawn.",
        what_to_do=[
            "If you accepted it yourself, sign in.",
            "If not, ask whoever invited you for a new one.",
        ],
        actions=[("Sign in", "/sign-in")],
    )


def _nobody_new(request: Request) -> Response:
    closed = request.app.state.runtime.settings.registration == "closed"
    return message_page(
        request,
        status=403,
        title="Nobody new at the moment" if closed else "By invitation only",
        what_happened="The operator of this installation has closed it to new people."
        if closed
        else "New people join this installation through an invitation.",
        what_to_do="Ask the operator, if you know them."
        if closed
        else "Ask the operator for one: it is a link that works once.",
        actions=[("Sign in", "/sign-in")],
    )
