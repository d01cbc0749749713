"""People as such: somebody new without an identity elsewhere, and what role somebody has."""

from typing import Final
from uuid import UUID

from sqlalchemy import text

from spotify_insights.accounts.models import User
from spotify_insights.accounts.profile import no_such_user
from spotify_insights.accounts.timezone import check_timezone
from spotify_insights.database.database import Transaction
from spotify_insights.database.table import new_id
from spotify_insights.errors import ConflictError

# Any number that no other advisory lock of ours has. Whoever changes the number of admins holds it.
_ADMINS_LOCK: Final = text("SELECT pg_advisory_xact_lock(7250918331)")
_COUNT: Final = text("SELECT count(*) FROM users WHERE role = 'admin' AND erasing_since IS NULL")
# One who is leaving takes these locks, too, so that the last two cannot go at once.
_ADMINS: Final = text("SELECT id, erasing_since FROM users WHERE role = 'admin' ORDER BY id FOR UPDATE")
_ROLE: Final = text("SELECT role FROM users WHERE id = :user_id FOR UPDATE")
_CHANGE_ROLE: Final = text(
    "UPDATE users SET role = :role, updated_at = clock_timestamp() WHERE id = :user_id"
)


class LastAdminError(ConflictError):
    """Without this admin there would be none."""

    code = "last_admin"

    def __init__(self) -> None:
        super().__init__("This is the last admin. Make somebody else an admin first.")


def create_user(
    tx: Transaction, *, role: str = "user", display_name: str | None = None, timezone: str = "UTC"
) -> UUID:
    """Somebody new; how they prove who they are is stored in the same transaction.

    Raises:
        InvalidInputError: the timezone is unknown.
    """
    user = User(id=new_id(), role=role, display_name=display_name, timezone=check_timezone(timezone))
    tx.session.add(user)
    tx.session.flush()
    return user.id


def hold_admins(tx: Transaction) -> int:
    """How many admins there are, without those who are leaving; nobody changes that until `tx` ends.

    To be done by who sees all users.
    """
    tx.session.execute(_ADMINS_LOCK)
    return sum(admin.erasing_since is None for admin in tx.session.execute(_ADMINS))


def count_admins(tx: Transaction) -> int:
    """How many admins there are, without those who are leaving. To be asked by who sees all users."""
    return int(tx.session.execute(_COUNT).scalar_one())


def change_role(tx: Transaction, user_id: UUID, role: str) -> str:
    """Make somebody a user or an admin, and return what they were. Their credentials follow at once.

    Raises:
        NotFoundError: there is no such user.
        ConflictError: it is a service, which stays one, or the last admin.
    """
    admins = hold_admins(tx)
    former: str | None = tx.session.execute(_ROLE, {"user_id": user_id}).scalar_one_or_none()
    if former is None:
        raise no_such_user()
    if former == "service":
        raise ConflictError(
            "A service acts for others and stays one; a person needs an account of their own."
        )
    if former == "admin" and role != "admin" and admins <= 1:
        raise LastAdminError
    tx.session.execute(_CHANGE_ROLE, {"user_id": user_id, "role": role})
    return former
