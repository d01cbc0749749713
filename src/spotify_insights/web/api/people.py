"""Everybody with an account, for administrators: who they are, never what they listen to."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import ConfigDict, Field

from spotify_insights.access.principal import Principal
from spotify_insights.access.scopes import Scope
from spotify_insights.access.still_allowed import require_admin
from spotify_insights.accounts.people import change_role
from spotify_insights.database.actor import AUTHENTICATION
from spotify_insights.sign_in.password_reset import create_reset_link
from spotify_insights.sign_in.queries import people_documents
from spotify_insights.web.admin_reads import RecordedOperator
from spotify_insights.web.api.invitations import OneTimeLinkDocument, PersonRole, link_answer
from spotify_insights.web.authorization import person
from spotify_insights.web.dependencies import HotReadsDep, RuntimeDep
from spotify_insights.web.documented import Documented
from spotify_insights.web.hot_reads import PAGE_RESPONSES
from spotify_insights.web.origin import trail_of
from spotify_insights.web.pagination import Cursor, Cursors, Limit
from spotify_insights.web.parameters import USER_ID
from spotify_insights.web.problems import problem_responses

router = APIRouter(prefix="/api/admin/users", tags=["Administration"])
_PEOPLE = Cursors("admin-users")

Person = Annotated[UUID, Field(description="The user, as the list names them.", examples=[USER_ID])]
WritingPerson = Annotated[Principal, person(Scope.ADMIN_WRITE)]


class PersonDocument(Documented):
    """Somebody with an account."""

    example: ClassVar = {
        "user_id": USER_ID,
        "display_name": "Alice Johnson",
        "role": "user",
        "username": "alice",
        "providers": ["spotify"],
        "registered_by": None,
        "created_at": "2026-11-22T09:15:00.000Z",
        "erasing_since": None,
    }

    user_id: UUID
    display_name: str | None
    role: Literal["user", "admin", "service"]
    username: str | None = Field(description="What they sign in with, besides a password; null without one.")
    providers: list[str] = Field(description="The services that they sign in through.")
    registered_by: UUID | None = Field(description="The service that registered them.")
    created_at: datetime
    erasing_since: datetime | None


class RoleChange(Documented):
    """What somebody is from now on."""

    model_config = ConfigDict(extra="forbid")

    example: ClassVar = {"role": "admin"}

    role: PersonRole


@router.get("", response_model=list[PersonDocument], responses={**PAGE_RESPONSES, **problem_responses(422)})
async def read_people(
    request: Request, reads: HotReadsDep, _actor: RecordedOperator, limit: Limit = 20, cursor: Cursor = None
) -> Response:
    """Everybody with an account, the newest first."""
    return await reads.page(
        request,
        people_documents(limit=limit, before=_PEOPLE.entry_id(cursor)),
        # Names of local accounts are kept from everybody but whoever checks them.
        acting_for=AUTHENTICATION,
        missing="There is nobody.",
        cursors=_PEOPLE,
    )


@router.patch(
    "/{user_id}",
    status_code=204,
    response_class=Response,
    responses=problem_responses(404, 409, 413, 415, 422),
)
def change_person(
    request: Request, runtime: RuntimeDep, principal: WritingPerson, user_id: Person, body: RoleChange
) -> None:
    """Make somebody an admin, or a user again. It counts from their next request on.

    It takes a browser's session: an admin whom a key made would stay one when the key is revoked.
    """
    # Whether others can sign in is for nobody to see, but for us to know.
    with runtime.database.transaction(acting_for=AUTHENTICATION) as tx:
        require_admin(tx, principal)
        change_role(tx, user_id, body.role, trail=trail_of(request, runtime, principal.operator))


@router.post(
    "/{user_id}/password-reset",
    status_code=201,
    response_model=OneTimeLinkDocument,
    responses=problem_responses(404, 409, 422),
)
def create_password_reset(
    request: Request, runtime: RuntimeDep, principal: WritingPerson, user_id: Person
) -> Response:
    """Make a link through which somebody chooses a new password, once, within a day. You hand it over.

    Whoever opens the link can sign in as that person and see all that is theirs, and so could you. That is
    why it takes a browser's session, and why the link and its use are recorded in the audit log.
    """
    with runtime.database.transaction(acting_for=AUTHENTICATION) as tx:
        require_admin(tx, principal)
        link = create_reset_link(tx, user_id, trail=trail_of(request, runtime, principal.operator))
    return link_answer(runtime.settings, "/reset-password", link)
