"""The account page: who one is here, what is connected, and how to take everything along or leave."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.responses import Response

from spotify_insights.access.principal import Principal
from spotify_insights.accounts.profile import change_profile
from spotify_insights.cache.keys import listener_scope
from spotify_insights.database.actor import Actor
from spotify_insights.errors import InvalidInputError, ProductError
from spotify_insights.runtime import Runtime
from spotify_insights.web.dependencies import HotReadsDep, RuntimeDep
from spotify_insights.web.hot_reads import HotReads
from spotify_insights.web.pages.account_view import account_view
from spotify_insights.web.pages.forms import Text, problems_of, status_of
from spotify_insights.web.pages.page_route import PageRoute
from spotify_insights.web.pages.rendering import render_page, see_other
from spotify_insights.web.pages.shown_once import new_form
from spotify_insights.web.pages.viewer import Viewer, ViewerId
from spotify_insights.web.text import is_storable

router = APIRouter(include_in_schema=False, route_class=PageRoute)
LONGEST_NAME: Final = 200

_NEWS: Final = {
    "welcome": "You are in. Connect a service below, or just look around.",
    "saved": "Saved. A new time zone counts from the next snapshot on.",
    "password_changed": "Your password is changed, and you are signed out everywhere else.",
    "session_ended": "That sign-in has ended.",
    "sessions_ended": "You are signed out everywhere else.",
    "key_revoked": "That key counts no longer.",
    "export_requested": "Your export is being put together. Load this page again in a minute.",
}
# By what the address names.
_CONNECTION_NEWS: Final = {
    ("connected", "spotify"): "Spotify is connected. What you play is recorded from now on.",
    ("connected", "listenbrainz"): "ListenBrainz is connected. It signs you in; nothing is read from it yet.",
    ("disconnected", "spotify"): "Spotify is disconnected. What came through it is being deleted, and so are "
    "all snapshots and insights.",
    ("disconnected", "listenbrainz"): "ListenBrainz is disconnected, and its token is deleted.",
}
_NOT_ALL_ALLOWED: Final = "Spotify is connected, but it was not allowed everything. See below."


@router.get("/account")
async def account_page(
    request: Request, runtime: RuntimeDep, reads: HotReadsDep, viewer: Viewer, _user_id: ViewerId
) -> Response:
    """Everything about one's account, on one page."""
    return await show_account(request, runtime, reads, viewer)


@router.post("/account/profile")
async def save_profile(
    request: Request,
    runtime: RuntimeDep,
    reads: HotReadsDep,
    viewer: Viewer,
    user_id: ViewerId,
    display_name: Text = "",
    timezone: Text = "",
) -> Response:
    """Change name and time zone."""
    try:
        await run_in_threadpool(_save, runtime, user_id, display_name.strip(), timezone.strip())
    except InvalidInputError as error:
        return await show_account(request, runtime, reads, viewer, error=error)
    return see_other("/account?saved=1")


async def show_account(
    request: Request,
    runtime: Runtime,
    reads: HotReads,
    viewer: Principal,
    *,
    error: ProductError | None = None,
) -> Response:
    """The page, with the problem beside its field where a form could not be used."""
    if viewer.user_id is None:
        raise TypeError("Only somebody who signed in has an account.")
    view = await account_view(reads, runtime.settings, viewer, viewer.user_id)
    return render_page(
        request,
        "account.html",
        status=200 if error is None else status_of(error),
        problems={} if error is None else problems_of(error),
        news=_news(request.query_params, view["connections"]),
        form=new_form(),
        **view,
    )


def _news(query: QueryParams, connections: Sequence[Mapping[str, Any]]) -> str:
    """What has just happened, as far as it is still so."""
    by_provider = {connection["provider"]: connection for connection in connections}
    for (what, provider), said in _CONNECTION_NEWS.items():
        connection = by_provider.get(provider)
        if query.get(what) != provider or (connection is None) != (what == "disconnected"):
            continue
        return _NOT_ALL_ALLOWED if connection is not None and connection["not_allowed"] else said
    return next((said for name, said in _NEWS.items() if name in query), "")


def _save(runtime: Runtime, user_id: UUID, display_name: str, timezone: str) -> None:
    if len(display_name) > LONGEST_NAME or not is_storable(display_name):
        raise InvalidInputError(f"Use {LONGEST_NAME} characters at most, on one line.", field="display_name")
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        change_profile(tx, user_id, display_name=display_name or None, timezone=timezone)
        runtime.cache.invalidate(tx, [listener_scope(user_id)])
