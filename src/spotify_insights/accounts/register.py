"""Creating a user for an identity at a provider, or finding the one there is."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from spotify_insights.accounts.erasing import refuse_if_erasing
from spotify_insights.accounts.models import User, UserIdentity
from spotify_insights.accounts.timezone import check_timezone
from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.database.database import Transaction
from spotify_insights.database.table import new_id
from spotify_insights.errors import ConflictError

# What never changes comes first. An account that carries another `account_id` than the one that is shown is
# somebody else's, whatever their names are.
_FIND: Final = text("""
    SELECT id, user_id, provider_user_id, account_id FROM user_identities
     WHERE provider = :provider AND asserted_by IS NOT DISTINCT FROM CAST(:asserted_by AS uuid)
       AND (account_id = :account_id OR provider_user_id = :provider_user_id)
     ORDER BY account_id = :account_id DESC NULLS LAST LIMIT 1
""")
_COMPLETE: Final = text("""
    UPDATE user_identities
       SET account_id = coalesce(account_id, :account_id), provider_user_id = :provider_user_id
     WHERE id = :id AND NOT EXISTS (
           SELECT FROM user_identities other
            WHERE other.provider = :provider AND other.id <> :id
              AND other.asserted_by IS NOT DISTINCT FROM CAST(:asserted_by AS uuid)
              AND (other.account_id = :account_id OR other.provider_user_id = :provider_user_id))
""")
_HAS_ONE: Final = text("""
    SELECT EXISTS (SELECT FROM user_identities WHERE user_id = :user_id AND provider = :provider)
""")


@dataclass(frozen=True)
class Identity:
    """Who somebody is at a provider such as "spotify".

    `account_id` is what the provider promises never to change, where it has such a thing.
    """

    provider: str
    provider_user_id: str
    account_id: str | None = None


@dataclass(frozen=True)
class Registration:
    user_id: UUID
    created: bool


class ForeignIdentityError(ConflictError):
    """This account of a provider belongs to another user of this installation."""

    code = "identity_of_another_user"

    def __init__(self) -> None:
        super().__init__(
            "This account belongs to another user of this installation. Sign in as that user, or disconnect "
            "it there first."
        )


class AnotherIdentityError(ConflictError):
    """This user has another account of the same provider."""

    code = "another_identity"

    def __init__(self) -> None:
        super().__init__(
            "This user is connected with another account of the same service. Disconnect that one first."
        )


def register_user(
    tx: Transaction,
    identity: Identity,
    *,
    display_name: str | None = None,
    email: str | None = None,
    timezone: str = "UTC",
    role: str = "user",
    registered_by: UUID | None = None,
    trail: AuditTrail | None = None,
) -> Registration:
    """The user of `identity`: created on the first call, returned unchanged on every later one.

    Safe to repeat and to race: two first calls at once make one user.

    Args:
        registered_by: the service that says so. The user is one of its users, and the identity is known to it
            alone: whoever signs in with the same account does not meet this user.
        trail: of whoever says so about somebody else; a new user is recorded with it. Whoever comes by
            signing in is recorded there.

    Raises:
        InvalidInputError: the timezone is unknown.
        ForeignIdentityError: the name of this account is kept for another account of the provider.
        BeingErasedError: the user is being erased, or the service is.
    """
    check_timezone(timezone)
    known = user_of(tx.session, identity, asserted_by=registered_by)
    if known is not None:
        refuse_if_erasing(tx.session, known)
        return Registration(user_id=known, created=False)
    if registered_by is not None:
        # A service that has users cannot be erased: either it is not leaving, or it gets no more of them.
        refuse_if_erasing(tx.session, registered_by, together=True)
    with tx.session.begin_nested() as attempt:
        user = User(
            id=new_id(),
            display_name=display_name,
            email=email,
            timezone=timezone,
            role=role,
            registered_by=registered_by,
        )
        tx.session.add(user)
        tx.session.flush()
        if _claim(tx.session, identity, user.id, asserted_by=registered_by):
            if trail is not None:
                details = {"provider": identity.provider}
                trail.record(tx, AuditEvent.REGISTERED, subject=user.id, details=details)
            return Registration(user_id=user.id, created=True)
        # Somebody else registered this identity a moment ago: ours must leave no trace.
        attempt.rollback()
    return Registration(user_id=_existing(tx.session, identity, asserted_by=registered_by), created=False)


def add_identity(tx: Transaction, user_id: UUID, identity: Identity) -> bool:
    """Let `user_id` sign in with `identity`, too; whether that is new. Safe to repeat and to race.

    Raises:
        ForeignIdentityError: it is another user's.
        AnotherIdentityError: they have another account of this provider: nobody listens as two people.
    """
    owner = user_of(tx.session, identity)
    if owner is None:
        if tx.session.scalar(_HAS_ONE, {"user_id": user_id, "provider": identity.provider}):
            raise AnotherIdentityError
        if _claim(tx.session, identity, user_id, asserted_by=None):
            return True
        owner = _existing(tx.session, identity, asserted_by=None)
    if owner != user_id:
        raise ForeignIdentityError
    return False


def user_of(session: Session, identity: Identity, *, asserted_by: UUID | None = None) -> UUID | None:
    """Whose identity this is, if anybody's; what it is shown with now is remembered.

    Raises:
        ForeignIdentityError: the name of this account is kept for another account of the provider.
    """
    asked = _parameters(identity, asserted_by)
    found: Row[Any] | None = session.execute(_FIND, asked).one_or_none()
    if found is None:
        return None
    if identity.account_id is not None and found.account_id not in {None, identity.account_id}:
        raise ForeignIdentityError
    shown = (identity.provider_user_id, identity.account_id or found.account_id)
    if (found.provider_user_id, found.account_id) != shown:
        session.execute(_COMPLETE, asked | {"id": found.id})
    user_id: UUID = found.user_id
    return user_id


def _claim(session: Session, identity: Identity, user_id: UUID, *, asserted_by: UUID | None) -> bool:
    """Whether the identity is now this user's; not, where somebody else has it."""
    claimed = session.scalar(
        insert(UserIdentity)
        .values(id=new_id(), user_id=user_id, **_parameters(identity, asserted_by))
        .on_conflict_do_nothing()
        .returning(UserIdentity.id)
    )
    return claimed is not None


def _existing(session: Session, identity: Identity, *, asserted_by: UUID | None) -> UUID:
    user_id = user_of(session, identity, asserted_by=asserted_by)
    if user_id is None:
        raise RuntimeError("An identity that was just in the way has vanished.")
    return user_id


def _parameters(identity: Identity, asserted_by: UUID | None) -> dict[str, Any]:
    return {
        "provider": identity.provider,
        "provider_user_id": identity.provider_user_id,
        "account_id": identity.account_id,
        "asserted_by": asserted_by,
    }
