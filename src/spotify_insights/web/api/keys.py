"""API keys of the caller. A key's text is shown once, so no answer of these routes is kept to be repeated."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BeforeValidator, ConfigDict, Field

from spotify_insights.access.api_key_text import KEY_ID_PATTERN
from spotify_insights.access.api_keys import MOST_DAYS, USUAL_DAYS, CreatedKey, revoke_key
from spotify_insights.access.principal import Principal
from spotify_insights.access.queries import key_documents
from spotify_insights.access.scopes import Scope
from spotify_insights.access.still_allowed import still_allowed
from spotify_insights.database.actor import Actor
from spotify_insights.web.authorization import caller, person
from spotify_insights.web.dependencies import HotReadsDep, RuntimeDep
from spotify_insights.web.documented import Documented
from spotify_insights.web.hot_reads import OBJECT_RESPONSES
from spotify_insights.web.numbers import as_whole_number
from spotify_insights.web.origin import trail_of
from spotify_insights.web.own_account import own_id
from spotify_insights.web.problems import problem_responses
from spotify_insights.web.text import PlainText

router = APIRouter(prefix="/api/keys", tags=["Access"])

KEY_ID = "A1b2C3d4E5f6"
KeyHolder = Annotated[Principal, caller(Scope.KEYS)]
KeyMaker = Annotated[Principal, person(Scope.KEYS)]
KeyId = Annotated[
    str,
    Path(
        pattern=KEY_ID_PATTERN,
        description="The public part of the key: the twelve characters after `si_`.",
        examples=[KEY_ID],
    ),
]
KeyName = Annotated[PlainText, Field(min_length=1, max_length=100, description="What the key is for.")]
KeyDays = Annotated[
    int,
    Field(strict=True, ge=1, le=MOST_DAYS, description="After how many days the key ends."),
    BeforeValidator(as_whole_number),
]


class NewKey(Documented):
    """What a key may be used for, and for how long."""

    model_config = ConfigDict(extra="forbid")

    example: ClassVar = {
        "name": "Notebook",
        "scopes": ["listening:read", "insights:read"],
        "expires_in_days": 90,
    }

    name: KeyName
    scopes: Annotated[
        list[Scope],
        Field(min_length=1, max_length=len(Scope), description="Some of the scopes that the caller has."),
    ]
    expires_in_days: KeyDays = USUAL_DAYS


class KeyDocument(Documented):
    """A key, without its secret."""

    example: ClassVar = {
        "key_id": KEY_ID,
        "name": "Notebook",
        "scopes": ["insights:read", "listening:read"],
        "status": "active",
        "created_at": "2026-11-22T09:15:00.000Z",
        "expires_at": "2027-02-20T09:15:00.000Z",
        "last_used_at": None,
        "revoked_at": None,
    }

    key_id: str
    name: str
    scopes: list[str]
    status: Literal["active", "expired", "revoked"]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = Field(description="To the minute.")
    revoked_at: datetime | None


class CreatedKeyDocument(Documented):
    """A new key. This is the only time that it is shown: keep it like a password."""

    example: ClassVar = {
        "key_id": KEY_ID,
        "key": "si_A1b2C3d4E5f6_...",
        "name": "Notebook",
        "scopes": ["insights:read", "listening:read"],
        "created_at": "2026-11-22T09:15:00.000Z",
        "expires_at": "2027-02-20T09:15:00.000Z",
    }

    key_id: str
    key: str = Field(description="Send it as `Authorization: Bearer`.")
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime


def created_key_document(key: CreatedKey) -> CreatedKeyDocument:
    """The one answer that shows a key."""
    return CreatedKeyDocument(
        key_id=key.key_id,
        key=key.secret.get_secret_value(),
        name=key.name,
        scopes=sorted(scope.value for scope in key.scopes),
        created_at=key.created_at,
        expires_at=key.expires_at,
    )


@router.get("", response_model=list[KeyDocument], responses={**OBJECT_RESPONSES, **problem_responses(409)})
async def read_keys(request: Request, reads: HotReadsDep, principal: KeyHolder) -> Response:
    """Your keys, the newest first. Those that have ended are shown for another month."""
    user_id = own_id(principal)
    return await reads.object(
        request,
        key_documents(user_id),
        acting_for=Actor.listener(user_id),
        missing="There are no keys.",
    )


@router.post(
    "", status_code=201, response_model=CreatedKeyDocument, responses=problem_responses(409, 413, 415, 422)
)
def create_key(request: Request, runtime: RuntimeDep, principal: KeyMaker, body: NewKey) -> Response:
    """Make a key. Keys are made after signing in with a browser: no key or token makes another.

    It can do nothing that you could not do yourself. An operator makes keys of services by
    `spotify-insights accounts create-key`.
    """
    user_id = own_id(principal)
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        key = runtime.authenticator.api_keys.create(
            tx,
            user_id,
            name=body.name,
            scopes=frozenset(body.scopes),
            allowed=still_allowed(tx, principal),
            days=body.expires_in_days,
            trail=trail_of(request, runtime, principal.actor),
        )
    document = created_key_document(key)
    return JSONResponse(
        document.model_dump(mode="json"), status_code=201, headers={"Cache-Control": "no-store"}
    )


@router.delete(
    "/{key_id}", status_code=204, response_class=Response, responses=problem_responses(404, 409, 422)
)
def delete_key(request: Request, runtime: RuntimeDep, principal: KeyHolder, key_id: KeyId) -> None:
    """Revoke a key, and every token that was given for it. The next request with one of them is refused."""
    user_id = own_id(principal)
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        revoke_key(tx, user_id, key_id, trail=trail_of(request, runtime, principal.actor))
