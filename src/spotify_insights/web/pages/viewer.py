"""Who looks at a page: whom the browser's session cookie names, in both modes of AUTH_MODE."""

import re
from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import BackgroundTasks, Depends, Request

from spotify_insights.access.authenticate import SessionCookie
from spotify_insights.access.principal import Principal
from spotify_insights.access.scopes import Scope
from spotify_insights.errors import ForbiddenError, UnauthenticatedError
from spotify_insights.web.dependencies import HotReadsDep, RuntimeDep
from spotify_insights.web.recognise import recognise
from spotify_insights.web.session_cookie import session_cookie_of

# A path of this site: "//host" and "/\host" lead browsers elsewhere (WHATWG URL, "relative slash state"), and
# they drop tabs and line ends before they look.
_OWN_PATH: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")
_LONGEST_PATH: Final = 500


async def known_viewer(
    request: Request, runtime: RuntimeDep, reads: HotReadsDep, background: BackgroundTasks
) -> Principal | None:
    """Who is signed in; None where nobody is, or the session has ended."""
    cookie = session_cookie_of(request, runtime.settings)
    if cookie is None:
        return None
    try:
        viewer = await recognise(SessionCookie(cookie), runtime, reads, background)
    except UnauthenticatedError:
        return None
    request.state.viewer = viewer
    return viewer


MaybeViewer = Annotated[Principal | None, Depends(known_viewer)]


async def _viewer(viewer: MaybeViewer) -> Principal:
    if viewer is None:
        raise UnauthenticatedError("This page is for people who signed in.")
    return viewer


Viewer = Annotated[Principal, Depends(_viewer)]


async def _viewer_id(viewer: Viewer) -> UUID:
    if viewer.user_id is None:
        raise UnauthenticatedError("This page is for people who signed in.")
    if Scope.PROFILE_READ not in viewer.scopes:
        raise ForbiddenError("Everything of yours is being erased, so there is nothing to be seen any more.")
    return viewer.user_id


ViewerId = Annotated[UUID, Depends(_viewer_id)]


def account_after(path: str, provider: str) -> str:
    """`path`, and where it is the account page, with what that page says about the connection."""
    return f"/account?{urlencode({'connected': provider})}" if path == "/account" else path


def own_path(given: str, *, otherwise: str = "/account") -> str:
    """`given` where it is a path of this site, so that nobody is led elsewhere after signing in."""
    return given if len(given) <= _LONGEST_PATH and _OWN_PATH.fullmatch(given) else otherwise
