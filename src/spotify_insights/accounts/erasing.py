"""Somebody who is leaving: nothing new begins for them."""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.accounts.people import LastAdminError, end_links_made_by, hold_admins
from spotify_insights.accounts.profile import no_such_user
from spotify_insights.database.database import Transaction
from spotify_insights.errors import ConflictError

# Locked, so that a request that has looked here is over before anybody can mark the user: either the mark is
# seen, or what was begun is there to be cancelled.
_LOOK: Final = text("SELECT erasing_since FROM users WHERE id = :user_id FOR NO KEY UPDATE")
# For who may do so many times at once: it waits for `mark_as_erasing`, and that for it, and for nobody else.
_LOOK_TOGETHER: Final = text("SELECT erasing_since FROM users WHERE id = :user_id FOR SHARE")
_FACTS: Final = text("SELECT role, erasing_since FROM users WHERE id = :user_id FOR NO KEY UPDATE")
# Null where it has no users.
_USERS_ARE_LEAVING: Final = text(
    "SELECT bool_and(erasing_since IS NOT NULL) FROM users WHERE registered_by = :user_id"
)
_MARK: Final = text("""
    UPDATE users SET erasing_since = clock_timestamp(), updated_at = clock_timestamp() WHERE id = :user_id
""")


class BeingErasedError(ConflictError):
    """Everything about this user is being deleted."""

    code = "being_erased"

    def __init__(self) -> None:
        super().__init__(
            "This user is being erased, so nothing new can begin for them. Register again when that is done."
        )


def refuse_if_erasing(session: Session, user_id: UUID, *, together: bool = False) -> None:
    """To be asked by whatever begins something for a user, in the same transaction.

    Args:
        together: whether others who ask need not wait for the end of this transaction.

    Raises:
        NotFoundError: there is no such user.
        BeingErasedError: they are leaving.
    """
    look = _LOOK_TOGETHER if together else _LOOK
    user = session.execute(look, {"user_id": user_id}).one_or_none()
    if user is None:
        raise no_such_user()
    if user.erasing_since is not None:
        raise BeingErasedError


def mark_as_erasing(tx: Transaction, user_id: UUID, *, last_admin_too: bool = False) -> bool:
    """From the end of this transaction on the user is leaving; whether that is new. Safe to repeat.

    To be done by who sees all users and how they sign in. Links that they made for others end.

    Args:
        last_admin_too: for an operator, who can make a first admin again.

    Raises:
        NotFoundError: there is no such user.
        ConflictError: they are a service that has users, be it that those are being erased.
        LastAdminError: they are the last admin.
    """
    session = tx.session
    other_admins = hold_admins(tx, besides=user_id)
    user = session.execute(_FACTS, {"user_id": user_id}).one_or_none()
    if user is None:
        raise no_such_user()
    if user.erasing_since is not None:
        return False
    if user.role == "service":
        _refuse_if_it_has_users(session, user_id)
    if user.role == "admin" and not other_admins and not last_admin_too:
        raise LastAdminError
    session.execute(_MARK, {"user_id": user_id})
    end_links_made_by(tx, user_id)
    return True


def _refuse_if_it_has_users(session: Session, service_id: UUID) -> None:
    are_leaving = session.scalar(_USERS_ARE_LEAVING, {"user_id": service_id})
    if are_leaving:
        raise ConflictError(
            "This service has registered users who are still being erased. Erase it when that is done."
        )
    if are_leaving is not None:
        raise ConflictError(
            "This service has registered users, who would be left without it. Erase those first, "
            "then the service."
        )
