"""Short-lived tokens for programs, and signing out."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field, SecretStr
from starlette.responses import RedirectResponse

from spotify_insights.access.access_tokens import LIFE
from spotify_insights.access.api_key_text import PREFIX
from spotify_insights.access.authenticate import BearerToken, note_use
from spotify_insights.access.owner import lock_owner
from spotify_insights.access.refresh_tokens import Family, Refused
from spotify_insights.access.scopes import Scope
from spotify_insights.access.sessions import end_session_of_cookie
from spotify_insights.audit.event import AuditEvent
from spotify_insights.database.actor import AUTHENTICATION, Actor
from spotify_insights.database.database import Transaction
from spotify_insights.errors import InvalidInputError, UnauthenticatedError
from spotify_insights.runtime import Runtime
from spotify_insights.sign_in.local_accounts import (
    CheckedPassword,
    WrongPassword,
    check_password,
    still_counts,
)
from spotify_insights.web.dependencies import RuntimeDep
from spotify_insights.web.documented import Documented
from spotify_insights.web.limits.request_limits import limited_by_name
from spotify_insights.web.origin import origin_of
from spotify_insights.web.problems import problem_responses
from spotify_insights.web.session_cookie import drop_session_cookie, session_cookie_of
from spotify_insights.web.text import PlainSecret, PlainText

router = APIRouter(tags=["Access"])

_WRONG_PASSWORD: Final = "Name or password is wrong."  # noqa: S105  # a sentence
_REFUSED: Final = "This refresh token counts no longer. Sign in again, or ask with an API key."

WantedScopes = Annotated[
    list[Scope] | None,
    Field(
        min_length=1,
        max_length=len(Scope),
        description="What the tokens shall be for; everything that may be had, without it.",
    ),
]


class KeyGrant(Documented):
    """Tokens in return for an API key, which stays where it is safe."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    example: ClassVar = {"grant_type": "api_key", "api_key": "si_A1b2C3d4E5f6_..."}

    grant_type: Literal["api_key"]
    api_key: Annotated[PlainSecret, Field(min_length=1, max_length=2048)]
    scopes: WantedScopes = None


class PasswordGrant(Documented):
    """Tokens in return for the name and password of a local account."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    example: ClassVar = {"grant_type": "password", "username": "alice", "password": "..."}

    grant_type: Literal["password"]
    username: Annotated[PlainText, Field(min_length=1, max_length=200)]
    password: Annotated[SecretStr, Field(min_length=1, max_length=1024)]
    scopes: WantedScopes = None


class RefreshGrant(Documented):
    """New tokens in return for the refresh token, which counts no longer."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    example: ClassVar = {"grant_type": "refresh_token", "refresh_token": "..."}

    grant_type: Literal["refresh_token"]
    refresh_token: Annotated[PlainSecret, Field(min_length=1, max_length=200)]


Grant = Annotated[
    KeyGrant | PasswordGrant | RefreshGrant,
    Body(
        discriminator="grant_type",
        examples=[KeyGrant.example, PasswordGrant.example, RefreshGrant.example],
    ),
]


class Tokens(Documented):
    """A pair of tokens. Send the access token as `Authorization: Bearer`."""

    example: ClassVar = {
        "access_token": "eyJ...",
        "token_type": "Bearer",
        "expires_in": 600,
        "refresh_token": "...",
        "scope": "insights:read listening:read",
    }

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  # a type
    expires_in: int = Field(description="Life of the access token in seconds.")
    refresh_token: str = Field(description="Works once, for thirty days; its answer has the next one.")
    scope: str = Field(description="What the tokens are for, separated by spaces.")


@dataclass(frozen=True)
class _Refusal:
    """Why there are no tokens: told when the transaction is stored that tells the audit log."""

    sentence: str


@router.post(
    "/api/auth/token",
    response_model=Tokens,
    responses=problem_responses(413, 415, 422),
    dependencies=[limited_by_name("username")],
)
def give_tokens(request: Request, runtime: RuntimeDep, body: Grant) -> Response:
    """An access token for ten minutes, and a refresh token for the next one.

    Each refresh token works once. Used again within ten seconds, as by a client that lost the answer, it
    gives the same next one; used again later, it ends all tokens that came from the same key or password.
    """
    granted = _granted(runtime, request, body)
    if isinstance(granted, _Refusal):
        raise UnauthenticatedError(granted.sentence)
    access_token = runtime.authenticator.access_tokens.issue(
        user_id=granted.user_id, session_id=granted.session_id, scopes=granted.scopes
    )
    tokens = Tokens(
        access_token=access_token.get_secret_value(),
        expires_in=int(LIFE.total_seconds()),
        refresh_token=granted.refresh_token.get_secret_value(),
        scope=" ".join(sorted(scope.value for scope in granted.scopes)),
    )
    return JSONResponse(tokens.model_dump(mode="json"), headers={"Cache-Control": "no-store"})


@router.post("/auth/logout", include_in_schema=False)
def sign_out(request: Request, runtime: RuntimeDep) -> Response:
    """End the browser's session, whatever is left of it, and lead to the start page."""
    cookie = session_cookie_of(request, runtime.settings)
    if cookie is not None:
        with runtime.database.transaction(acting_for=AUTHENTICATION) as tx:
            ended = end_session_of_cookie(tx, cookie)
            if ended is not None:
                runtime.audit.record(
                    tx,
                    AuditEvent.SIGN_OUT,
                    actor=Actor.listener(ended.user_id),
                    subject=ended.user_id,
                    target=str(ended.id),
                    origin=origin_of(request),
                )
    response = RedirectResponse("/", status_code=303)
    drop_session_cookie(response, runtime.settings)
    return response


def _granted(
    runtime: Runtime, request: Request, grant: KeyGrant | PasswordGrant | RefreshGrant
) -> Family | _Refusal:
    if isinstance(grant, PasswordGrant):
        # A password takes its time, and no transaction waits for that.
        checked = check_password(runtime.database, grant.username, grant.password)
        with runtime.database.transaction(acting_for=AUTHENTICATION) as tx:
            return _for_password(tx, runtime, request, checked, grant)
    with runtime.database.transaction(acting_for=AUTHENTICATION) as tx:
        if isinstance(grant, KeyGrant):
            return _for_key(tx, runtime, request, grant)
        return _for_refresh_token(tx, runtime, request, grant)


def _for_key(tx: Transaction, runtime: Runtime, request: Request, grant: KeyGrant) -> Family | _Refusal:
    given = grant.api_key.get_secret_value()
    # An access token must not bring forth others that outlive it.
    if not given.startswith(PREFIX):
        return _Refusal("This is no API key.")
    recognised = runtime.authenticator.recognise(tx, BearerToken(given))
    principal = recognised.principal
    if principal.user_id is None or principal.credential_id is None:
        raise TypeError("A key always belongs to somebody.")
    if recognised.use_is_due:
        note_use(tx, principal.kind, principal.credential_id)
    return _begin(
        tx,
        runtime,
        request,
        principal.user_id,
        scopes=_chosen(grant.scopes, principal.scopes),
        api_key_id=principal.credential_id,
    )


def _for_password(
    tx: Transaction,
    runtime: Runtime,
    request: Request,
    checked: CheckedPassword | WrongPassword,
    grant: PasswordGrant,
) -> Family | _Refusal:
    if isinstance(checked, WrongPassword) or not still_counts(tx, checked):
        runtime.audit.record(
            tx,
            AuditEvent.SIGN_IN_REFUSED,
            actor=AUTHENTICATION,
            subject=checked.user_id,
            details={"method": "password_grant", "reason": "wrong_name_or_password"},
            origin=origin_of(request),
        )
        return _Refusal(_WRONG_PASSWORD)
    scopes = _chosen(grant.scopes, lock_owner(tx, checked.user_id))
    return _begin(tx, runtime, request, checked.user_id, scopes=scopes, api_key_id=None)


def _for_refresh_token(
    tx: Transaction, runtime: Runtime, request: Request, grant: RefreshGrant
) -> Family | _Refusal:
    match runtime.refresh_tokens.rotate(tx, grant.refresh_token.get_secret_value()):
        case Refused(reuse=True, session_id=session_id, user_id=user_id):
            runtime.audit.record(
                tx,
                AuditEvent.TOKEN_REUSE_DETECTED,
                actor=AUTHENTICATION,
                subject=user_id,
                target=str(session_id),
                origin=origin_of(request),
            )
            return _Refusal(_REFUSED)
        case Refused():
            return _Refusal(_REFUSED)
        case family:
            return family


def _begin(
    tx: Transaction,
    runtime: Runtime,
    request: Request,
    user_id: UUID,
    *,
    scopes: frozenset[Scope],
    api_key_id: UUID | None,
) -> Family:
    origin = origin_of(request)
    tx.continue_as(Actor.listener(user_id))
    family = runtime.refresh_tokens.begin(
        tx,
        user_id,
        scopes=scopes,
        api_key_id=api_key_id,
        address=origin.address,
        user_agent=request.headers.get("user-agent"),
    )
    runtime.audit.record(
        tx,
        AuditEvent.SIGN_IN,
        actor=Actor.listener(user_id),
        subject=user_id,
        target=str(family.session_id),
        details={"method": "password_grant" if api_key_id is None else "api_key_grant"},
        origin=origin,
    )
    return family


def _chosen(wanted: list[Scope] | None, possible: frozenset[Scope]) -> frozenset[Scope]:
    if wanted is None:
        return possible
    beyond = sorted(scope.value for scope in wanted if scope not in possible)
    if beyond:
        raise InvalidInputError(
            f"Tokens can have no scope that is missing here, such as {beyond[0]}.", field="scopes"
        )
    return frozenset(wanted)
