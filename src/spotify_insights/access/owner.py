"""For whom something is made that proves a request's right: what their role allows now."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import text

from spotify_insights.access.scopes import SCOPES_OF_ROLE, Scope, UserRole
from spotify_insights.accounts.profile import no_such_user
from spotify_insights.database.database import Transaction

# Whoever is being erased may still follow that, and nothing else.
_WHILE_ERASING: Final = frozenset({Scope.TASKS_READ})
_LOCK: Final = text(
    "SELECT role, erasing_since IS NOT NULL AS erasing FROM users WHERE id = :user_id FOR NO KEY UPDATE"
)


def effective_scopes(role: str, granted: Collection[str], *, erasing: bool) -> frozenset[Scope]:
    """What a credential may be used for now: never more than its owner's role allows at this moment.

    Args:
        granted: the credential's own scopes; those of another version are passed over.
    """
    allowed = SCOPES_OF_ROLE[UserRole(role)]
    scopes = frozenset(scope for scope in allowed if scope.value in granted)
    return scopes & _WHILE_ERASING if erasing else scopes


def lock_owner(tx: Transaction, user_id: UUID) -> frozenset[Scope]:
    """What this person's role allows; until `tx` ends, nobody else makes anything for them.

    Raises:
        NotFoundError: there is no such user.
    """
    row = tx.session.execute(_LOCK, {"user_id": user_id}).one_or_none()
    if row is None:
        raise no_such_user()
    return effective_scopes(row.role, [scope.value for scope in Scope], erasing=row.erasing)
