"""The browser that somebody signs in with, and the session that begins there."""

from dataclasses import dataclass
from uuid import UUID

from pydantic import SecretStr

from spotify_insights.access.sessions import StartedSession, end_session_of_cookie, start_session
from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.record import AuditLog, Origin
from spotify_insights.database.actor import Actor
from spotify_insights.database.database import Transaction


@dataclass(frozen=True)
class Browser:
    """Its session so far, and what a new one is recognised by."""

    session: SecretStr | None = None
    address: str | None = None
    user_agent: str | None = None
    origin: Origin | None = None

    def begin_session(
        self, tx: Transaction, audit: AuditLog, user_id: UUID, *, days: int, method: str
    ) -> StartedSession:
        """Begin a session for somebody who has just proved who they are, and end the browser's former one.

        To be done as AUTHENTICATION, in the transaction that lets them in.

        Args:
            days: how long it lasts at most.
            method: how they proved it: "password", "spotify", ...
        """
        if self.session is not None:
            end_session_of_cookie(tx, self.session.get_secret_value())
        started = start_session(tx, user_id, days=days, address=self.address, user_agent=self.user_agent)
        audit.record(
            tx,
            AuditEvent.SIGN_IN,
            actor=Actor.listener(user_id),
            subject=user_id,
            details={"method": method},
            origin=self.origin,
        )
        return started
