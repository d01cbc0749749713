"""Browser sessions: an opaque value in a cookie, of which the database keeps a hash."""

import hashlib
import ipaddress
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import Row, text

from spotify_insights.access.owner import lock_owner
from spotify_insights.access.scopes import Scope
from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.database.database import Transaction, rows_changed
from spotify_insights.database.table import new_id
from spotify_insights.errors import NotFoundError

_VALUE_BYTES: Final = 32
_LONGEST_USER_AGENT: Final = 200

_START: Final = text("""
    INSERT INTO sessions (id, user_id, kind, token_hash, scopes, expires_at, address, user_agent)
    VALUES (:id, :user_id, 'browser', :token_hash, CAST(:scopes AS text[]),
            clock_timestamp() + make_interval(days => :days), :address, :user_agent)
""")
_END: Final = text("""
    UPDATE sessions SET revoked_at = clock_timestamp()
     WHERE id = :session_id AND user_id = :user_id AND revoked_at IS NULL AND expires_at > clock_timestamp()
""")
_END_BY_VALUE: Final = text("""
    UPDATE sessions SET revoked_at = clock_timestamp()
     WHERE token_hash = :token_hash AND kind = 'browser' AND revoked_at IS NULL
 RETURNING id, user_id
""")
_END_OTHERS: Final = text("""
    UPDATE sessions SET revoked_at = clock_timestamp()
     WHERE user_id = :user_id AND revoked_at IS NULL AND expires_at > clock_timestamp()
       AND id IS DISTINCT FROM CAST(:kept AS uuid)
""")


@dataclass(frozen=True)
class StartedSession:
    """A session that begins: `value` goes into the browser's cookie for as long as the session `lasts`."""

    id: UUID
    value: SecretStr
    lasts: timedelta


@dataclass(frozen=True)
class EndedSession:
    """A session that is over, and whose it was."""

    id: UUID
    user_id: UUID


def start_session(
    tx: Transaction, user_id: UUID, *, days: int, address: str | None, user_agent: str | None
) -> StartedSession:
    """Begin a browser session for somebody who has just proved who they are.

    Its value is new at every sign-in, so nobody can know it beforehand (session fixation). A session carries
    every scope that its owner's role has at the moment of a request.

    Args:
        days: how long it lasts at most, used or not.
        address: where the browser is; only the network is kept.
        user_agent: what the browser calls itself, for its owner to recognise it by.
    """
    value = secrets.token_urlsafe(_VALUE_BYTES)
    session_id = new_id()
    tx.session.execute(
        _START,
        {
            "id": session_id,
            "user_id": user_id,
            "token_hash": hash_of(value),
            "scopes": [scope.value for scope in Scope],
            "days": days,
            "address": None if address is None else shortened_address(address),
            "user_agent": None if user_agent is None else shortened_user_agent(user_agent),
        },
    )
    return StartedSession(id=session_id, value=SecretStr(value), lasts=timedelta(days=days))


def end_session(tx: Transaction, user_id: UUID, session_id: UUID, *, trail: AuditTrail) -> None:
    """End one session of this user, and record that; a program's tokens end with theirs.

    It counts no more from the commit on.

    Raises:
        NotFoundError: they have no such session, or it is over.
    """
    lock_owner(tx, user_id)
    if not rows_changed(tx.session, _END, {"session_id": session_id, "user_id": user_id}):
        raise NotFoundError("There is no such session.")
    trail.record(tx, AuditEvent.SESSION_REVOKED, subject=user_id, target=str(session_id))


def end_other_sessions(tx: Transaction, user_id: UUID, *, kept: UUID | None, trail: AuditTrail) -> int:
    """End every session and token of this user but the session `kept`, and record that; how many those were.

    Safe to repeat: where there is nothing to be ended, nothing is recorded.
    """
    lock_owner(tx, user_id)
    ended = end_all_sessions(tx, user_id, kept=kept)
    if ended:
        details = {"all_sessions": True, "sessions": ended}
        trail.record(tx, AuditEvent.SESSION_REVOKED, subject=user_id, details=details)
    return ended


def end_session_of_cookie(tx: Transaction, value: str) -> EndedSession | None:
    """End the browser session with this value; None where there is none. To be done as AUTHENTICATION."""
    ended: Row[tuple[UUID, UUID]] | None = tx.session.execute(
        _END_BY_VALUE, {"token_hash": hash_of(value)}
    ).one_or_none()
    return None if ended is None else EndedSession(id=ended.id, user_id=ended.user_id)


def end_all_sessions(tx: Transaction, user_id: UUID, *, kept: UUID | None = None) -> int:
    """End every session and token of this user, but for the session `kept`; how many those were.

    Whoever has locked the owner leaves none that is just beginning; see `access.still_allowed`.
    """
    return rows_changed(tx.session, _END_OTHERS, {"user_id": user_id, "kept": kept})


def hash_of(value: str) -> str:
    """What is kept of 256 random bits: too many to be guessed from a plain SHA-256."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def shortened_address(address: str) -> str | None:
    """The network of an address: enough to recognise a place by, too little to find a household.

    Safe to repeat: a network that is short already stays as it is. None for what is no address.
    """
    try:
        parsed = ipaddress.ip_interface(address).ip
    except ValueError:
        return None
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    network = ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False)
    return str(network)


def shortened_user_agent(user_agent: str) -> str:
    """What the browser calls itself, as far as it can be stored and shown."""
    return "".join(character for character in user_agent if character.isprintable())[:_LONGEST_USER_AGENT]
