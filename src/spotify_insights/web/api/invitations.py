"""Invitations, for administrators: who may join."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BeforeValidator, ConfigDict, Field

from spotify_insights.access.one_time_links import NewLink
from spotify_insights.access.principal import Principal
from spotify_insights.access.scopes import Scope, UserRole
from spotify_insights.access.still_allowed import continue_as_admin
from spotify_insights.database.actor import AUTHENTICATION, Actor
from spotify_insights.settings import Settings
from spotify_insights.sign_in.invitations import DAYS, LONGEST_NOTE, MOST_DAYS, invite, withdraw_invitation
from spotify_insights.sign_in.queries import invitation_documents
from spotify_insights.web.admin_reads import RecordedOperator
from spotify_insights.web.authorization import acting_for_operator, person
from spotify_insights.web.dependencies import HotReadsDep, RuntimeDep
from spotify_insights.web.documented import Documented
from spotify_insights.web.hot_reads import OBJECT_RESPONSES
from spotify_insights.web.numbers import as_whole_number
from spotify_insights.web.origin import trail_of
from spotify_insights.web.problems import problem_responses
from spotify_insights.web.text import PlainText

router = APIRouter(prefix="/api/admin/invitations", tags=["Administration"])

INVITATION_ID = "01936e60-1a2b-7c3d-8e4f-5a6b7c8d9e0f"
InvitationId = Annotated[
    UUID, Path(description="The invitation, as the list names it.", examples=[INVITATION_ID])
]
WritingOperator = Annotated[Actor, acting_for_operator(Scope.ADMIN_WRITE)]
# A service is no person: it is made with a key, by POST /api/admin/services.
PersonRole = Literal["user", "admin"]


class NewInvitation(Documented):
    """As what somebody may join, and for how long the link works."""

    model_config = ConfigDict(extra="forbid")

    example: ClassVar = {"role": "user", "note": "For Sam", "days": 7}

    role: PersonRole = "user"
    note: Annotated[PlainText, Field(max_length=LONGEST_NOTE)] | None = Field(
        default=None, description="For whom it is, in your own words."
    )
    days: Annotated[int, Field(strict=True, ge=1, le=MOST_DAYS), BeforeValidator(as_whole_number)] = DAYS


class OneTimeLinkDocument(Documented):
    """A link that works once. The address is shown here and kept nowhere."""

    example: ClassVar = {
        "link_id": INVITATION_ID,
        "url": "http://127.0.0.1:8000/invitation?token=…",
        "expires_at": "2026-11-29T09:15:00.000Z",
    }

    link_id: UUID
    url: str
    expires_at: datetime


class InvitationDocument(Documented):
    """An invitation, without its link."""

    example: ClassVar = {
        "invitation_id": INVITATION_ID,
        "role": "user",
        "note": "For Sam",
        "status": "open",
        "created_at": "2026-11-22T09:15:00.000Z",
        "expires_at": "2026-11-29T09:15:00.000Z",
        "accepted_at": None,
    }

    invitation_id: UUID
    role: PersonRole
    note: str | None
    status: Literal["open", "accepted", "over"] = Field(description="`over`: expired or withdrawn.")
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None


def link_address(settings: Settings, path: str, link: NewLink) -> str:
    """The address to hand to whoever the link is for."""
    return f"{settings.public_url.rstrip('/')}{path}?token={link.token.get_secret_value()}"


def link_answer(settings: Settings, path: str, link: NewLink) -> JSONResponse:
    """The one answer that shows a link."""
    document = OneTimeLinkDocument(
        link_id=link.id, url=link_address(settings, path, link), expires_at=link.expires_at
    )
    return JSONResponse(
        document.model_dump(mode="json"), status_code=201, headers={"Cache-Control": "no-store"}
    )


@router.post(
    "", status_code=201, response_model=OneTimeLinkDocument, responses=problem_responses(413, 415, 422)
)
def create_invitation(
    request: Request,
    runtime: RuntimeDep,
    principal: Annotated[Principal, person(Scope.ADMIN_WRITE)],
    body: NewInvitation,
) -> Response:
    """Make a link through which somebody may join once. It is shown now and never again.

    Admins invite after signing in with a browser: whom a key let in would stay when the key is revoked.
    """
    with runtime.database.transaction(acting_for=AUTHENTICATION) as tx:
        continue_as_admin(tx, principal)
        link = invite(
            tx,
            trail=trail_of(request, runtime, principal.operator),
            role=UserRole(body.role),
            note=body.note,
            days=body.days,
        )
    return link_answer(runtime.settings, "/invitation", link)


@router.get(
    "",
    response_model=list[InvitationDocument],
    responses={**OBJECT_RESPONSES, **problem_responses()},
)
async def read_invitations(request: Request, reads: HotReadsDep, actor: RecordedOperator) -> Response:
    """The invitations of the last ninety days, the newest first."""
    return await reads.object(
        request, invitation_documents(), acting_for=actor, missing="There are no invitations."
    )


@router.delete(
    "/{invitation_id}", status_code=204, response_class=Response, responses=problem_responses(404, 422)
)
def delete_invitation(
    request: Request, runtime: RuntimeDep, actor: WritingOperator, invitation_id: InvitationId
) -> None:
    """Withdraw an invitation that nobody has accepted."""
    with runtime.database.transaction(acting_for=actor) as tx:
        withdraw_invitation(tx, invitation_id, trail=trail_of(request, runtime, actor))
