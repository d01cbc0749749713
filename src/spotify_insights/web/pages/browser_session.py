"""Beginning the session of the browser that asks."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from spotify_insights.access.sessions import StartedSession, end_session_of_cookie, start_session
from spotify_insights.audit.event import AuditEvent
from spotify_insights.database.actor import Actor
from spotify_insights.database.database import Transaction
from spotify_insights.runtime import Runtime
from spotify_insights.web.client_address import client_address
from spotify_insights.web.origin import origin_of
from spotify_insights.web.session_cookie import session_cookie_of, set_session_cookie


def begin_session(
    tx: Transaction, request: Request, runtime: Runtime, user_id: UUID, *, method: str
) -> StartedSession:
    """Begin a session for somebody who has just proved who they are; the browser's former one ends.

    To be done as AUTHENTICATION, in the transaction that lets them in. `let_in` gives it to the browser.

    Args:
        method: how they did: "password", "spotify", ...
    """
    former = session_cookie_of(request, runtime.settings)
    if former is not None:
        end_session_of_cookie(tx, former)
    started = start_session(
        tx,
        user_id,
        days=runtime.settings.session_days,
        address=client_address(request),
        user_agent=request.headers.get("user-agent"),
    )
    runtime.audit.record(
        tx,
        AuditEvent.SIGN_IN,
        actor=Actor.listener(user_id),
        subject=user_id,
        details={"method": method},
        origin=origin_of(request),
    )
    return started


def let_in(response: Response, runtime: Runtime, started: StartedSession) -> Response:
    """The same answer, with the session's cookie."""
    set_session_cookie(response, runtime.settings, started.value.get_secret_value(), lasts=started.lasts)
    return response
