"""Users, their profile and their connections."""

from typing import Annotated, ClassVar
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field

from spotify_insights.access.principal import Principal
from spotify_insights.access.scopes import Scope
from spotify_insights.accounts.profile import change_profile
from spotify_insights.accounts.queries import connection_documents, user_document
from spotify_insights.accounts.register import Identity, register_user
from spotify_insights.accounts.register import Registration as UserRegistration
from spotify_insights.cache.keys import listener_scope
from spotify_insights.database.actor import Actor
from spotify_insights.web.authorization import acting_for_listener, caller
from spotify_insights.web.dependencies import HotReadsDep, RuntimeDep
from spotify_insights.web.documented import Documented
from spotify_insights.web.documents import ConnectionDocument, UserDocument
from spotify_insights.web.hot_reads import OBJECT_RESPONSES
from spotify_insights.web.idempotency import KeyedRequest, respond_once
from spotify_insights.web.origin import trail_of
from spotify_insights.web.parameters import USER_ID, UserId
from spotify_insights.web.preferences import Preferences
from spotify_insights.web.problems import problem_responses
from spotify_insights.web.text import Email, PlainText

router = APIRouter(prefix="/api/users", tags=["Users"])
NO_SUCH_USER = "There is no such user."

DisplayName = Annotated[PlainText, Field(min_length=1, max_length=200)]
# The list of zones is the only rule; JSON Schema has no format for it.
Timezone = Annotated[
    str,
    Field(
        description="An IANA name.",
        examples=["Europe/Berlin"],
        json_schema_extra={"format": "iana-timezone"},
    ),
]


class Registration(Documented):
    """Who somebody is at Spotify."""

    example: ClassVar = {"spotify_user_id": "spotify_abc123", "display_name": "Alice Johnson"}

    spotify_user_id: Annotated[PlainText, Field(min_length=1, max_length=255)]
    display_name: DisplayName | None = None
    email: Email | None = None
    timezone: Timezone = "UTC"


class Registered(Documented):
    """The user of an identity."""

    example: ClassVar = {"user_id": USER_ID, "created": True}

    user_id: UUID
    created: bool


class ProfileChange(Documented):
    """Only what is given is changed."""

    model_config = ConfigDict(extra="forbid")

    example: ClassVar = {"timezone": "America/New_York", "preferences": {"locale": "en"}}

    display_name: DisplayName | None = None
    timezone: Timezone | None = None
    preferences: Preferences | None = Field(
        default=None, description="Merged key by key; null removes a key."
    )


@router.post(
    "/register",
    status_code=201,
    response_model=Registered,
    responses={
        200: {"description": "Known already.", "model": Registered},
        **problem_responses(413, 415, 422),
    },
)
def register(
    request: Request,
    runtime: RuntimeDep,
    keyed: KeyedRequest,
    principal: Annotated[Principal, caller(Scope.ACT_FOR_USERS)],
    body: Registration,
) -> Response:
    """Create the user of a Spotify identity, or return the one there is. Safe to repeat.

    What a service says about its users is between the two: a person who signs in with the same account, or
    whom another service registers, is somebody else.
    """
    with runtime.database.transaction(acting_for=principal.actor) as tx:
        registrations: list[UserRegistration] = []

        def respond() -> JSONResponse:
            registration = register_user(
                tx,
                Identity(provider="spotify", provider_user_id=body.spotify_user_id),
                display_name=body.display_name,
                email=body.email,
                timezone=body.timezone,
                registered_by=principal.user_id,
                trail=trail_of(request, runtime, principal.actor),
            )
            registrations.append(registration)
            content = {"user_id": str(registration.user_id), "created": registration.created}
            return JSONResponse(content, status_code=201 if registration.created else 200)

        return respond_once(tx, keyed, respond, about=lambda: registrations[0].user_id)


@router.get(
    "/{user_id}",
    response_model=UserDocument,
    responses={**OBJECT_RESPONSES, **problem_responses(404, 422)},
)
async def read_user(
    request: Request,
    reads: HotReadsDep,
    actor: Annotated[Actor, acting_for_listener(Scope.PROFILE_READ)],
    user_id: UserId,
) -> Response:
    """One user."""
    return await reads.object(request, user_document(user_id), acting_for=actor, missing=NO_SUCH_USER)


@router.patch(
    "/{user_id}", status_code=204, response_class=Response, responses=problem_responses(404, 413, 415, 422)
)
def change_user(
    runtime: RuntimeDep,
    actor: Annotated[Actor, acting_for_listener(Scope.PROFILE_WRITE)],
    user_id: UserId,
    body: ProfileChange,
) -> None:
    """Change name, timezone or preferences. A new timezone counts from the next snapshot on."""
    with runtime.database.transaction(acting_for=actor) as tx:
        change_profile(
            tx,
            user_id,
            display_name=body.display_name,
            timezone=body.timezone,
            preferences=body.preferences,
        )
        runtime.cache.invalidate(tx, [listener_scope(user_id)])


@router.get(
    "/{user_id}/connections",
    response_model=list[ConnectionDocument],
    responses={**OBJECT_RESPONSES, **problem_responses(404, 422)},
)
async def read_connections(
    request: Request,
    reads: HotReadsDep,
    actor: Annotated[Actor, acting_for_listener(Scope.CONNECTIONS_READ)],
    user_id: UserId,
) -> Response:
    """The user's connections: their state, and how many days are left until Spotify ends them."""
    return await reads.object(request, connection_documents(user_id), acting_for=actor, missing=NO_SUCH_USER)
