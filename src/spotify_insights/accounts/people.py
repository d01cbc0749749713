"""People as such: somebody new without an identity elsewhere, and what role somebody has."""

from typing import Final
from uuid import UUID

from sqlalchemy import text

from spotify_insights.accounts.models import User
from spotify_insights.accounts.profile import no_such_user
from spotify_insights.accounts.timezone import check_timezone
from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.database.database import Transaction
from spotify_insights.database.table import new_id
from spotify_insights.errors import ConflictError

# Any number that no other advisory lock of ours has. Whoever changes the number of admins holds it.
_ADMINS_LOCK: Final = text("SELECT pg_advisory_xact_lock(7250918331)")
# By a password, or by an account elsewhere that they showed themselves; what a service says is no sign-in.
_CAN_SIGN_IN: Final = """
    (EXISTS (SELECT FROM local_accounts account WHERE account.user_id = u.id)
     OR EXISTS (SELECT FROM user_identities identity
                 WHERE identity.user_id = u.id AND identity.asserted_by IS NULL))
"""
_COUNT: Final = text(f"""
    SELECT count(*) FROM users u
     WHERE u.role = 'admin' AND u.erasing_since IS NULL AND u.id IS DISTINCT FROM CAST(:besides AS uuid)
       AND {_CAN_SIGN_IN}
""")  # noqa: S608  # only constants are put together
# One who is leaving takes these locks, too, so that the last two cannot go at once.
_ADMINS: Final = text("SELECT id FROM users WHERE role = 'admin' ORDER BY id FOR NO KEY UPDATE")
_FACTS: Final = text(f"""
    SELECT u.role, u.erasing_since IS NOT NULL AS erasing, {_CAN_SIGN_IN} AS can_sign_in
      FROM users u WHERE u.id = :user_id FOR NO KEY UPDATE OF u
""")  # noqa: S608  # only constants are put together
_END_LINKS: Final = text("""
    UPDATE one_time_links SET expires_at = clock_timestamp()
     WHERE created_by = :user_id AND used_at IS NULL AND expires_at > clock_timestamp()
""")
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


def hold_admins(tx: Transaction, *, besides: UUID | None = None) -> int:
    """As `count_admins`; nobody changes that until `tx` ends."""
    tx.session.execute(_ADMINS_LOCK)
    tx.session.execute(_ADMINS)
    return count_admins(tx, besides=besides)


def count_admins(tx: Transaction, *, besides: UUID | None = None) -> int:
    """How many admins there are who can sign in, without those who are leaving and without `besides`.

    To be asked by who sees all users and how they sign in: AUTHENTICATION, or SYSTEM in the background.
    """
    return int(tx.session.execute(_COUNT, {"besides": besides}).scalar_one())


def end_links_made_by(tx: Transaction, user_id: UUID) -> None:
    """End every link not used yet that this user made for others: invitations and new passwords."""
    tx.session.execute(_END_LINKS, {"user_id": user_id})


def change_role(tx: Transaction, user_id: UUID, role: str, *, trail: AuditTrail) -> None:
    """Make somebody a user or an admin, and record that. It counts from their next request on.

    Whoever is an admin no longer leaves no open links behind. To be begun as AUTHENTICATION, which sees who
    can sign in; the change itself is made as the trail's actor.

    Raises:
        NotFoundError: there is no such user.
        ConflictError: it is a service, which stays one, the last admin, or somebody who could not be an admin
            because they cannot sign in or are leaving.
    """
    other_admins = hold_admins(tx, besides=user_id)
    user = tx.session.execute(_FACTS, {"user_id": user_id}).one_or_none()
    if user is None:
        raise no_such_user()
    former: str = user.role
    if former == "service":
        raise ConflictError(
            "A service acts for others and stays one; a person needs an account of their own."
        )
    if role == "admin" and user.erasing:
        raise ConflictError("This user is being erased.")
    if role == "admin" and former != "admin" and not user.can_sign_in:
        raise ConflictError(
            "This user has no way to sign in here, so they could not act as an admin. "
            "Invite the person to an account of their own."
        )
    if former == "admin" and role != "admin":
        if not other_admins:
            raise LastAdminError
        end_links_made_by(tx, user_id)
    tx.continue_as(trail.actor)
    tx.session.execute(_CHANGE_ROLE, {"user_id": user_id, "role": role})
    trail.record(tx, AuditEvent.ROLE_CHANGED, subject=user_id, details={"former_role": former, "role": role})
