"""Asking for everything about a user to be deleted. From then on nothing new begins for them."""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.access.privacy import revoke_all_but
from spotify_insights.accounts.disconnect import drop_every_token
from spotify_insights.accounts.erasing import mark_as_erasing
from spotify_insights.accounts.profile import no_such_user
from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.cache.cache import Cache
from spotify_insights.cache.keys import listener_scope
from spotify_insights.database.actor import AUTHENTICATION, SYSTEM, Actor
from spotify_insights.database.database import Transaction
from spotify_insights.database.table import new_id
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.privacy import cancel_jobs_of
from spotify_insights.privacy.jobs import EraseUser

_NOTE: Final = text("""
    INSERT INTO erasures (id, user_id, user_hash) VALUES (:id, :user_id, :user_hash)
        ON CONFLICT (user_id) WHERE user_id IS NOT NULL DO NOTHING
""")
_SEEN: Final = text("SELECT id FROM users WHERE id = :user_id")
_NOTED: Final = text("SELECT id FROM erasures WHERE user_id = :user_id")


def request_erasure(
    tx: Transaction,
    user_id: UUID,
    *,
    asked_with: UUID | None,
    cache: Cache,
    trail: AuditTrail,
) -> UUID:
    """Mark the user, end all that could act for them, and queue the job that deletes; the id of that task.

    Asking again leads to the same task while it is active, and to a new one after it failed.

    Args:
        tx: a request's transaction; it acts for others from here on.
        asked_with: the user's own session or key that asked, which may see tasks until the end.
        trail: of whoever asked, who may follow the task besides the user.

    Raises:
        NotFoundError: there is no such user.
        ConflictError: they are a service that has users, or the last admin (`LastAdminError`).
    """
    # As whoever asks: row-level security says here whether this user is one of theirs.
    if tx.session.scalar(_SEEN, {"user_id": user_id}) is None:
        raise no_such_user()
    # Whether other admins or users of a service are left is not for the user to see, but for us to know.
    tx.continue_as(AUTHENTICATION)
    is_new = mark_as_erasing(tx, user_id)
    tx.continue_as(Actor.listener(user_id))
    if is_new:
        revoke_all_but(tx, user_id, asked_with)
    erasure_id = begin_erasure(tx, user_id, is_new=is_new, trail=trail)
    cache.invalidate(tx, [listener_scope(user_id)])
    tx.continue_as(SYSTEM)
    return enqueue(tx, EraseUser(erasure_id=erasure_id), requested_by=trail.actor.user_id or user_id)


def begin_erasure(tx: Transaction, user_id: UUID, *, is_new: bool, trail: AuditTrail) -> UUID:
    """Delete the tokens, cancel the jobs and note the erasure of a user who is marked; its id."""
    drop_every_token(tx.session, user_id)
    cancel_jobs_of(tx.session, user_id)
    if is_new:
        trail.record(tx, AuditEvent.ERASURE_REQUESTED, subject=user_id)
    return _noted(tx.session, user_id, trail.log.pseudonym(user_id))


def _noted(session: Session, user_id: UUID, user_hash: str) -> UUID:
    session.execute(_NOTE, {"id": new_id(), "user_id": user_id, "user_hash": user_hash})
    erasure_id: UUID = session.execute(_NOTED, {"user_id": user_id}).scalar_one()
    return erasure_id
