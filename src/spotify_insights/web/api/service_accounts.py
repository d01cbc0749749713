"""Service accounts, for administrators: programs that act for the users they registered."""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ConfigDict

from spotify_insights.access.api_keys import USUAL_DAYS
from spotify_insights.access.principal import Principal
from spotify_insights.access.scopes import SCOPES_OF_ROLE, Scope, UserRole
from spotify_insights.access.still_allowed import continue_as_admin
from spotify_insights.accounts.service_accounts import create_service, service_documents
from spotify_insights.audit.event import AuditEvent
from spotify_insights.database.actor import AUTHENTICATION, Actor
from spotify_insights.web.api.keys import KEY_ID, CreatedKeyDocument, KeyDays, KeyName, created_key_document
from spotify_insights.web.authorization import acting_for_operator, person
from spotify_insights.web.dependencies import HotReadsDep, RuntimeDep
from spotify_insights.web.documented import Documented
from spotify_insights.web.hot_reads import OBJECT_RESPONSES
from spotify_insights.web.origin import trail_of
from spotify_insights.web.parameters import USER_ID
from spotify_insights.web.problems import problem_responses

router = APIRouter(prefix="/api/admin", tags=["Administration"])
FIRST_KEY = "First key"


class NewService(Documented):
    """A program that shall act for users."""

    model_config = ConfigDict(extra="forbid")

    example: ClassVar = {"name": "Fitness app", "expires_in_days": 90}

    name: KeyName
    expires_in_days: KeyDays = USUAL_DAYS


class CreatedService(Documented):
    """A new service with its first key, which is shown this once."""

    example: ClassVar = {
        "user_id": USER_ID,
        "name": "Fitness app",
        "key": {
            "key_id": KEY_ID,
            "key": "si_A1b2C3d4E5f6_...",
            "name": FIRST_KEY,
            "scopes": ["act_for_users"],
            "created_at": "2026-11-22T09:15:00.000Z",
            "expires_at": "2027-02-20T09:15:00.000Z",
        },
    }

    user_id: UUID
    name: str
    key: CreatedKeyDocument


class ServiceDocument(Documented):
    """A service and how many users it has registered."""

    example: ClassVar = {
        "user_id": USER_ID,
        "name": "Fitness app",
        "created_at": "2026-11-22T09:15:00.000Z",
        "users": 12,
    }

    user_id: UUID
    name: str | None
    created_at: datetime
    users: int


@router.post(
    "/services",
    status_code=201,
    response_model=CreatedService,
    responses=problem_responses(413, 415, 422),
)
def create(
    request: Request,
    runtime: RuntimeDep,
    principal: Annotated[Principal, person(Scope.ADMIN_WRITE)],
    body: NewService,
) -> Response:
    """Create a service with a first key, which has every scope of a service. Not safe to repeat.

    Like all keys it is made after signing in with a browser, or by the operator's command line.
    """
    actor = principal.operator
    scopes = SCOPES_OF_ROLE[UserRole.SERVICE]
    trail = trail_of(request, runtime, actor)
    with runtime.database.transaction(acting_for=AUTHENTICATION) as tx:
        continue_as_admin(tx, principal)
        user_id = create_service(tx, body.name)
        trail.record(
            tx,
            AuditEvent.ACCOUNT_CREATED,
            subject=user_id,
            details={"role": UserRole.SERVICE.value},
        )
        # Nobody's keys are an admin's to write: this one belongs to the service.
        tx.continue_as(Actor.listener(user_id))
        key = runtime.authenticator.api_keys.create(
            tx,
            user_id,
            name=FIRST_KEY,
            scopes=scopes,
            allowed=scopes,
            days=body.expires_in_days,
            trail=trail,
        )
    created = CreatedService(user_id=user_id, name=body.name, key=created_key_document(key))
    return JSONResponse(
        created.model_dump(mode="json"), status_code=201, headers={"Cache-Control": "no-store"}
    )


@router.get(
    "/services", response_model=list[ServiceDocument], responses={**OBJECT_RESPONSES, **problem_responses()}
)
async def read_services(
    request: Request, reads: HotReadsDep, actor: Annotated[Actor, acting_for_operator(Scope.ADMIN_READ)]
) -> Response:
    """All services, the oldest first."""
    return await reads.object(
        request, service_documents(), acting_for=actor, missing="There are no services."
    )
