"""Asked once more where something is made that lasts longer than a session: is whoever asks still signed in?

A request is recognised before its transaction begins. Between the two its session may end, as by a new
password, which also ends what that session made. So whatever makes a key, a link or another way of signing in
asks here.
"""

from typing import Final

from sqlalchemy import text

from spotify_insights.access.owner import lock_owner
from spotify_insights.access.principal import Principal
from spotify_insights.access.scopes import Scope
from spotify_insights.accounts.people import hold_admins
from spotify_insights.database.database import Transaction
from spotify_insights.errors import ForbiddenError, UnauthenticatedError

_STANDS: Final = text("""
    SELECT FROM sessions
     WHERE id = :session_id AND user_id = :user_id AND revoked_at IS NULL AND expires_at > clock_timestamp()
""")


def still_allowed(tx: Transaction, principal: Principal) -> frozenset[Scope]:
    """What this session may be used for now. Whatever ends it or changes that waits until `tx` ends.

    To be asked as AUTHENTICATION or as the person, first of all in `tx`: whoever changes a password takes the
    same lock, and so comes either before, and is noticed here, or after, and ends what `tx` made.

    Raises:
        UnauthenticatedError: the session has ended since the request was recognised.
    """
    if principal.user_id is None:
        return principal.scopes
    allowed = lock_owner(tx, principal.user_id)
    session = {"session_id": principal.credential_id, "user_id": principal.user_id}
    if tx.session.execute(_STANDS, session).one_or_none() is None:
        raise UnauthenticatedError("You were signed out a moment ago, and nothing was done. Sign in again.")
    return principal.scopes & allowed


def continue_as_admin(tx: Transaction, principal: Principal) -> None:
    """Make sure that this session is still an admin's, and act for them from here on.

    To be done as AUTHENTICATION, first of all in `tx`.

    Raises:
        UnauthenticatedError: as `still_allowed`.
        ForbiddenError: they are an admin no longer.
    """
    require_admin(tx, principal)
    tx.continue_as(principal.operator)


def require_admin(tx: Transaction, principal: Principal) -> None:
    """As `continue_as_admin`, and stay who `tx` acts for."""
    if principal.user_id is not None:
        # What follows may lock others: before one's own row comes what all who change admins take first.
        hold_admins(tx)
    if Scope.ADMIN_WRITE not in still_allowed(tx, principal):
        raise ForbiddenError("You are an admin no longer, and nothing was done.")
