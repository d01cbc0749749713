"""Beginning the session of the browser that asks."""

from uuid import UUID

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from spotify_insights.access.sessions import StartedSession
from spotify_insights.database.database import Transaction
from spotify_insights.runtime import Runtime
from spotify_insights.settings import Settings
from spotify_insights.sign_in.browser import Browser
from spotify_insights.web.client_address import client_address
from spotify_insights.web.origin import origin_of
from spotify_insights.web.session_cookie import session_cookie_of, set_session_cookie


def browser_of(request: Request, settings: Settings) -> Browser:
    """The browser that sent the request."""
    session = session_cookie_of(request, settings)
    return Browser(
        session=None if session is None else SecretStr(session),
        address=client_address(request),
        user_agent=request.headers.get("user-agent"),
        origin=origin_of(request),
    )


def begin_session(tx: Transaction, request: Request, runtime: Runtime, user_id: UUID) -> StartedSession:
    """Begin a session for somebody who has just shown their password; the browser's former one ends.

    To be done as AUTHENTICATION, in the transaction that lets them in. `let_in` gives it to the browser.
    """
    return browser_of(request, runtime.settings).begin_session(
        tx, runtime.audit, user_id, days=runtime.settings.session_days, method="password"
    )


def let_in(response: Response, runtime: Runtime, started: StartedSession) -> Response:
    """The same answer, with the session's cookie."""
    set_session_cookie(response, runtime.settings, started.value.get_secret_value(), lasts=started.lasts)
    return response
