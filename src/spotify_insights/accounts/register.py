"""Creating a user for an identity at a provider, or finding the one there is."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from spotify_insights.accounts.models import User, UserIdentity
from spotify_insights.accounts.timezone import check_timezone
from spotify_insights.database.database import Transaction
from spotify_insights.database.table import new_id


@dataclass(frozen=True)
class Identity:
    """Who somebody is at a provider such as "spotify"."""

    provider: str
    provider_user_id: str


@dataclass(frozen=True)
class Registration:
    user_id: UUID
    created: bool


def register_user(
    tx: Transaction,
    identity: Identity,
    *,
    display_name: str | None = None,
    email: str | None = None,
    timezone: str = "UTC",
) -> Registration:
    """The user of `identity`: created on the first call, returned unchanged on every later one.

    Safe to repeat and to race: two first calls at once make one user.

    Raises:
        InvalidInputError: the timezone is unknown.
    """
    check_timezone(timezone)
    known = _user_of(tx.session, identity)
    if known is not None:
        return Registration(user_id=known, created=False)
    with tx.session.begin_nested() as attempt:
        user = User(id=new_id(), display_name=display_name, email=email, timezone=timezone)
        tx.session.add(user)
        tx.session.flush()
        claimed = tx.session.scalar(
            insert(UserIdentity)
            .values(
                id=new_id(),
                user_id=user.id,
                provider=identity.provider,
                provider_user_id=identity.provider_user_id,
            )
            .on_conflict_do_nothing(index_elements=["provider", "provider_user_id"])
            .returning(UserIdentity.id)
        )
        if claimed is not None:
            return Registration(user_id=user.id, created=True)
        # Somebody else registered this identity a moment ago: ours must leave no trace.
        attempt.rollback()
    return Registration(user_id=_existing_user_of(tx.session, identity), created=False)


def _user_of(session: Session, identity: Identity) -> UUID | None:
    return session.scalar(
        select(UserIdentity.user_id).where(
            UserIdentity.provider == identity.provider,
            UserIdentity.provider_user_id == identity.provider_user_id,
        )
    )


def _existing_user_of(session: Session, identity: Identity) -> UUID:
    user_id = _user_of(session, identity)
    if user_id is None:
        raise RuntimeError("An identity that was just in the way has vanished.")
    return user_id
