"""Handing over a listener's Spotify tokens."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BeforeValidator, ConfigDict, Field, SecretStr, field_validator

from spotify_insights.access.principal import Principal
from spotify_insights.access.scopes import Scope
from spotify_insights.accounts.connect import store_tokens
from spotify_insights.accounts.queries import find_user
from spotify_insights.database.actor import Actor
from spotify_insights.web.authorization import caller
from spotify_insights.web.dependencies import RuntimeDep
from spotify_insights.web.documented import Documented
from spotify_insights.web.idempotency import KeyedRequest, respond_once
from spotify_insights.web.numbers import as_whole_number
from spotify_insights.web.origin import trail_of
from spotify_insights.web.parameters import USER_ID, UserId
from spotify_insights.web.problems import problem_responses
from spotify_insights.web.text import PlainText

router = APIRouter(prefix="/api/tokens", tags=["Users"])

_A_YEAR = 366 * 86_400
Token = Annotated[
    SecretStr, Field(min_length=1, max_length=4096, json_schema_extra={"pattern": r"^[\x21-\x7e]+$"})
]


class TokenHandover(Documented):
    """What Spotify's token endpoint gave. Stored encrypted and never shown again."""

    # What was sent must not come back in a validation error.
    model_config = ConfigDict(hide_input_in_errors=True)

    example: ClassVar = {
        "user_id": USER_ID,
        "access_token": "BQD...",
        "refresh_token": "AQC...",
        "expires_in": 3600,
        "scope": "user-top-read user-read-recently-played",
    }

    user_id: UserId
    access_token: Token
    refresh_token: Token
    expires_in: Annotated[
        int,
        Field(strict=True, ge=1, le=_A_YEAR, description="Life of the access token in seconds."),
        BeforeValidator(as_whole_number),
    ]
    scope: Annotated[PlainText, Field(max_length=2000)] | None = None

    @field_validator("access_token", "refresh_token")
    @classmethod
    def _header_safe(cls, value: SecretStr) -> SecretStr:
        if not all("\x21" <= character <= "\x7e" for character in value.get_secret_value()):
            raise ValueError("must consist of visible ASCII characters without spaces")
        return value


class TokensStored(Documented):
    """The connection works from now on."""

    example: ClassVar = {
        "user_id": USER_ID,
        "provider": "spotify",
        "status": "connected",
    }

    user_id: UUID
    provider: Literal["spotify"] = "spotify"
    status: Literal["connected"] = "connected"


@router.post(
    "/store",
    status_code=201,
    response_model=TokensStored,
    responses=problem_responses(404, 413, 415, 422),
)
def store(
    request: Request,
    runtime: RuntimeDep,
    keyed: KeyedRequest,
    principal: Annotated[Principal, caller(Scope.ACT_FOR_USERS)],
    body: TokenHandover,
) -> Response:
    """Keep a listener's tokens, in place of any that were there."""
    with runtime.database.transaction(acting_for=principal.actor) as tx:
        find_user(tx, body.user_id, acting_for=principal.actor)
        tx.continue_as(Actor.listener(body.user_id))

        def respond() -> JSONResponse:
            store_tokens(
                tx,
                runtime.sealer,
                body.user_id,
                access_token=body.access_token,
                refresh_token=body.refresh_token,
                expires_in=body.expires_in,
                scope=None if body.scope is None else body.scope.split(),
                trail=trail_of(request, runtime, principal.actor),
            )
            stored = TokensStored(user_id=body.user_id)
            return JSONResponse(stored.model_dump(mode="json"), status_code=201)

        return respond_once(tx, keyed, respond, about=body.user_id)
