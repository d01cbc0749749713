"""What the account page's buttons do: each calls what the API's operation of that name calls."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Form, Path, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from spotify_insights.access.api_key_text import KEY_ID_PATTERN
from spotify_insights.access.api_keys import USUAL_DAYS, CreatedKey, revoke_key
from spotify_insights.access.principal import Principal
from spotify_insights.access.scopes import Scope
from spotify_insights.access.sessions import end_other_sessions, end_session
from spotify_insights.access.still_allowed import still_allowed
from spotify_insights.database.actor import Actor
from spotify_insights.errors import ConflictError, InvalidInputError
from spotify_insights.privacy.disconnect import Provider, disconnect
from spotify_insights.privacy.request_erasure import request_erasure
from spotify_insights.privacy.request_export import request_export, request_export_link
from spotify_insights.runtime import Runtime
from spotify_insights.web.dependencies import HotReadsDep, RuntimeDep
from spotify_insights.web.origin import trail_of
from spotify_insights.web.pages.account import show_account
from spotify_insights.web.pages.forms import Text
from spotify_insights.web.pages.page_route import PageRoute
from spotify_insights.web.pages.rendering import render_page, see_other
from spotify_insights.web.pages.shown_once import ShownAlreadyError, make_once, shown_already_page
from spotify_insights.web.pages.viewer import Viewer, ViewerId
from spotify_insights.web.session_cookie import drop_session_cookie
from spotify_insights.web.text import is_storable

router = APIRouter(prefix="/account", include_in_schema=False, route_class=PageRoute)
CONFIRMATION: Final = "erase everything"
_LONGEST_KEY_NAME: Final = 100
KeyId = Annotated[str, Path(pattern=KEY_ID_PATTERN)]


@router.post("/keys")
async def make_key(
    request: Request,
    runtime: RuntimeDep,
    reads: HotReadsDep,
    viewer: Viewer,
    user_id: ViewerId,
    name: Text = "",
    scopes: Annotated[list[str], Form(max_length=len(Scope))] = [],  # noqa: B006  # FastAPI copies it
    days: Text = str(USUAL_DAYS),
    form: Text = "",
) -> Response:
    """Make an API key, and show it this once."""
    try:
        key = await run_in_threadpool(
            _make_key, request, runtime, viewer, user_id, name.strip(), scopes, days, form
        )
    except ShownAlreadyError:
        return shown_already_page(request, back="/account")
    except (InvalidInputError, ConflictError) as error:
        return await show_account(request, runtime, reads, viewer, error=error)
    return render_page(request, "key_created.html", key=key, secret=key.secret.get_secret_value())


def _make_key(
    request: Request,
    runtime: Runtime,
    viewer: Principal,
    user_id: UUID,
    name: str,
    scopes: list[str],
    days: str,
    form: str,
) -> CreatedKey:
    if not 1 <= len(name) <= _LONGEST_KEY_NAME or not is_storable(name):
        raise InvalidInputError(
            f"Say in up to {_LONGEST_KEY_NAME} characters what the key is for.", field="name"
        )
    if not days.isdecimal() or len(days) > 4:
        raise InvalidInputError("Give the days as a number.", field="expires_in_days")
    wanted = frozenset(scope for scope in Scope if scope.value in scopes)

    def make() -> CreatedKey:
        return runtime.authenticator.api_keys.create(
            tx,
            user_id,
            name=name,
            scopes=wanted,
            allowed=allowed,
            days=int(days),
            trail=trail_of(request, runtime, viewer.actor),
        )

    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        allowed = still_allowed(tx, viewer)
        return make_once(tx, user_id, form, make)


@router.post("/keys/{key_id}/revoke")
def end_key(
    request: Request, runtime: RuntimeDep, viewer: Viewer, user_id: ViewerId, key_id: KeyId
) -> Response:
    """Revoke an API key."""
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        revoke_key(tx, user_id, key_id, trail=trail_of(request, runtime, viewer.actor))
    return see_other("/account?key_revoked=1")


@router.post("/sessions/end-others")
def end_sessions(request: Request, runtime: RuntimeDep, viewer: Viewer, user_id: ViewerId) -> Response:
    """Sign out everywhere but here."""
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        end_other_sessions(
            tx, user_id, kept=viewer.credential_id, trail=trail_of(request, runtime, viewer.actor)
        )
    return see_other("/account?sessions_ended=1")


@router.post("/sessions/{session_id}/end")
def end_one_session(
    request: Request, runtime: RuntimeDep, viewer: Viewer, user_id: ViewerId, session_id: UUID
) -> Response:
    """Sign out somewhere."""
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        end_session(tx, user_id, session_id, trail=trail_of(request, runtime, viewer.actor))
    return see_other("/account?session_ended=1")


@router.post("/connections/{provider}/disconnect")
def end_connection(
    request: Request,
    runtime: RuntimeDep,
    viewer: Viewer,
    user_id: ViewerId,
    provider: Provider,
    keep_uploads: Text = "",
) -> Response:
    """Disconnect a service."""
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        disconnect(
            tx,
            user_id,
            provider,
            keep_uploads=bool(keep_uploads),
            cache=runtime.cache,
            trail=trail_of(request, runtime, viewer.actor),
        )
    return see_other(f"/account?disconnected={provider}")


@router.post("/export")
def begin_export(request: Request, runtime: RuntimeDep, viewer: Viewer, user_id: ViewerId) -> Response:
    """Have everything put together."""
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        request_export(tx, user_id, trail=trail_of(request, runtime, viewer.actor))
    return see_other("/account?export_requested=1")


@router.post("/exports/{export_id}/download")
def download(runtime: RuntimeDep, _viewer: Viewer, user_id: ViewerId, export_id: UUID) -> Response:
    """Download an export, through a link that is used at once."""
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        link = request_export_link(tx, user_id, export_id)
    return see_other(f"/exports/{link.token}")


@router.post("/erase")
async def erase(
    request: Request,
    runtime: RuntimeDep,
    reads: HotReadsDep,
    viewer: Viewer,
    user_id: ViewerId,
    confirmation: Text = "",
) -> Response:
    """Have everything about oneself erased, after typing that this is meant."""
    try:
        await run_in_threadpool(_erase, request, runtime, viewer, user_id, confirmation)
    except (InvalidInputError, ConflictError) as error:
        return await show_account(request, runtime, reads, viewer, error=error)
    response = see_other("/sign-in?erased=1")
    drop_session_cookie(response, runtime.settings)
    return response


def _erase(request: Request, runtime: Runtime, viewer: Principal, user_id: UUID, confirmation: str) -> None:
    if " ".join(confirmation.split()).casefold() != CONFIRMATION:
        raise InvalidInputError(f"Type “{CONFIRMATION}” to say that you mean it.", field="confirmation")
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        request_erasure(
            tx,
            user_id,
            asked_with=None,
            cache=runtime.cache,
            trail=trail_of(request, runtime, viewer.actor),
        )
