"""For admins: who is here, who is invited, and a link for whoever forgot their password."""

import json
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from spotify_insights.access.one_time_links import NewLink
from spotify_insights.access.principal import Principal
from spotify_insights.access.scopes import Scope, UserRole
from spotify_insights.access.still_allowed import continue_as_admin, require_admin
from spotify_insights.accounts.people import change_role
from spotify_insights.accounts.queries import user_document
from spotify_insights.database.actor import AUTHENTICATION, Actor
from spotify_insights.database.hot_read import HotRead
from spotify_insights.errors import ConflictError, ForbiddenError, InvalidInputError, ProductError
from spotify_insights.runtime import Runtime
from spotify_insights.sign_in.invitations import DAYS, LONGEST_NOTE, MOST_DAYS, invite, withdraw_invitation
from spotify_insights.sign_in.password_reset import create_reset_link
from spotify_insights.sign_in.queries import invitation_documents, people_documents
from spotify_insights.web.api.invitations import link_address
from spotify_insights.web.dependencies import HotReadsDep, RuntimeDep
from spotify_insights.web.hot_reads import HotReads
from spotify_insights.web.origin import origin_of, trail_of
from spotify_insights.web.own_account import own_id
from spotify_insights.web.pages.forms import Text, problems_of, status_of
from spotify_insights.web.pages.page_route import PageRoute
from spotify_insights.web.pages.rendering import render_page, see_other
from spotify_insights.web.pages.shown_once import (
    ShownAlreadyError,
    make_once,
    new_form,
    shown_already_page,
)
from spotify_insights.web.pages.viewer import Viewer, ViewerId
from spotify_insights.web.text import is_storable

router = APIRouter(prefix="/people", include_in_schema=False, route_class=PageRoute)
MOST_SHOWN: Final = 100

_NEWS: Final = {
    "withdrawn": "That invitation works no longer.",
    "role_changed": "Changed. It counts from their next click on.",
}


async def _admin(viewer: Viewer, _user_id: ViewerId) -> Principal:
    if Scope.ADMIN_WRITE not in viewer.scopes:
        raise ForbiddenError("Only admins see who is here.")
    return viewer


Admin = Annotated[Principal, Depends(_admin)]


@router.get("")
async def people_page(request: Request, runtime: RuntimeDep, reads: HotReadsDep, admin: Admin) -> Response:
    """Who is here, and who is invited."""
    await run_in_threadpool(_record_look, request, runtime, admin)
    return await _show(request, reads, admin)


@router.post("/invitations")
async def invite_somebody(
    request: Request,
    runtime: RuntimeDep,
    reads: HotReadsDep,
    admin: Admin,
    note: Text = "",
    role: Text = "user",
    days: Text = str(DAYS),
    form: Text = "",
) -> Response:
    """Make an invitation, and show its link this once."""
    try:
        link = await run_in_threadpool(_invite, request, runtime, admin, note.strip(), role, days, form)
    except ShownAlreadyError:
        return shown_already_page(request, back="/people")
    except InvalidInputError as error:
        return await _show(request, reads, admin, error=error)
    return render_page(
        request,
        "link_created.html",
        title="The invitation",
        lead="Send this link to whoever it is for. It lets one person in, and it is shown this once.",
        link=link_address(runtime.settings, "/invitation", link),
        expires_at=link.expires_at.isoformat(),
    )


@router.post("/invitations/{invitation_id}/withdraw")
def withdraw(request: Request, runtime: RuntimeDep, admin: Admin, invitation_id: UUID) -> Response:
    """Make an invitation worthless."""
    with runtime.database.transaction(acting_for=admin.operator) as tx:
        withdraw_invitation(tx, invitation_id, trail=trail_of(request, runtime, admin.operator))
    return see_other("/people?withdrawn=1")


@router.post("/{person}/role")
async def change_role_of(
    request: Request,
    runtime: RuntimeDep,
    reads: HotReadsDep,
    admin: Admin,
    person: UUID,
    role: Text = "",
) -> Response:
    """Make somebody an admin, or a user again."""
    if role not in {UserRole.USER, UserRole.ADMIN}:
        raise InvalidInputError("Choose user or admin.", field="role")
    try:
        await run_in_threadpool(_change_role, request, runtime, admin, person, role)
    except ConflictError as error:
        return await _show(request, reads, admin, error=error)
    return see_other("/account" if person == admin.user_id else "/people?role_changed=1")


@router.post("/{person}/password-reset")
async def reset_password_of(
    request: Request,
    runtime: RuntimeDep,
    reads: HotReadsDep,
    admin: Admin,
    person: UUID,
    form: Text = "",
) -> Response:
    """Make a link for a new password, and show it this once."""
    try:
        link = await run_in_threadpool(_reset, request, runtime, admin, person, form)
    except ShownAlreadyError:
        return shown_already_page(request, back="/people")
    except ConflictError as error:
        return await _show(request, reads, admin, error=error)
    return render_page(
        request,
        "link_created.html",
        title="A new password",
        lead="Hand this link to them yourself: whoever opens it chooses the password. It is shown this once.",
        link=link_address(runtime.settings, "/reset-password", link),
        expires_at=link.expires_at.isoformat(),
    )


def _change_role(request: Request, runtime: Runtime, admin: Principal, person: UUID, role: str) -> None:
    with runtime.database.transaction(acting_for=AUTHENTICATION) as tx:
        require_admin(tx, admin)
        change_role(tx, person, role, trail=trail_of(request, runtime, admin.operator))


def _invite(
    request: Request, runtime: Runtime, admin: Principal, note: str, role: str, days: str, form: str
) -> NewLink:
    if len(note) > LONGEST_NOTE or not is_storable(note):
        raise InvalidInputError(f"Use {LONGEST_NOTE} characters at most, on one line.", field="note")
    if role not in {UserRole.USER, UserRole.ADMIN}:
        raise InvalidInputError("Choose user or admin.", field="role")
    if not days.isdecimal() or len(days) > 3 or not 1 <= int(days) <= MOST_DAYS:
        raise InvalidInputError(f"An invitation lasts 1 to {MOST_DAYS} days.", field="days")

    def make() -> NewLink:
        return invite(
            tx,
            trail=trail_of(request, runtime, admin.operator),
            role=UserRole(role),
            note=note or None,
            days=int(days),
        )

    with runtime.database.transaction(acting_for=AUTHENTICATION) as tx:
        continue_as_admin(tx, admin)
        return make_once(tx, own_id(admin), form, make)


def _reset(request: Request, runtime: Runtime, admin: Principal, person: UUID, form: str) -> NewLink:
    def make() -> NewLink:
        return create_reset_link(tx, person, trail=trail_of(request, runtime, admin.operator))

    with runtime.database.transaction(acting_for=AUTHENTICATION) as tx:
        require_admin(tx, admin)
        return make_once(tx, own_id(admin), form, make)


def _record_look(request: Request, runtime: Runtime, admin: Principal) -> None:
    with runtime.database.transaction(acting_for=admin.operator) as tx:
        runtime.audit.record_admin_read(tx, "people_page", actor=admin.operator, origin=origin_of(request))


async def _show(
    request: Request, reads: HotReads, admin: Principal, *, error: ProductError | None = None
) -> Response:
    async def document(read: HotRead, actor: Actor) -> Any:
        row = await reads.row(read, acting_for=actor)
        return [] if row is None else json.loads(row[0])

    if admin.user_id is None:
        raise TypeError("Only somebody who signed in is an admin.")
    viewer = await document(user_document(admin.user_id), Actor.listener(admin.user_id))
    invitations = await document(invitation_documents(), admin.operator)
    everybody = await document(people_documents(limit=MOST_SHOWN, before=None), AUTHENTICATION)
    return render_page(
        request,
        "people.html",
        status=200 if error is None else status_of(error),
        problems={} if error is None else problems_of(error),
        news=next((said for name, said in _NEWS.items() if name in request.query_params), ""),
        timezone=viewer["timezone"],
        viewer_id=str(admin.user_id),
        people=[entry for entry in everybody if entry["role"] != UserRole.SERVICE],
        services=[entry for entry in everybody if entry["role"] == UserRole.SERVICE],
        invitations=[entry for entry in invitations if entry["status"] == "open"],
        days=DAYS,
        form=new_form(),
    )
