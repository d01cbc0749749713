"""Links that work once: first set-up, an invitation, a new password.

The token in a link is 256 random bits; the database keeps its SHA-256. Looking one up and using it are
done as AUTHENTICATION: whoever holds a link need not be anybody yet.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import Row, text

from spotify_insights.access.scopes import UserRole
from spotify_insights.access.sessions import hash_of
from spotify_insights.database.database import Transaction, rows_changed
from spotify_insights.database.table import new_id
from spotify_insights.errors import NotFoundError

_TOKEN_BYTES: Final = 32
_LONGEST_TOKEN: Final = 200

_CREATE: Final = text("""
    INSERT INTO one_time_links
           (id, purpose, token_hash, user_id, created_by, role, note, expires_at)
    VALUES (:id, :purpose, :token_hash, :user_id, :created_by, :role, :note, clock_timestamp() + :lasts)
 RETURNING expires_at
""")
# Who has lost the right to make such a link has lost it for those made before, too.
_OPEN: Final = """
    purpose = :purpose AND token_hash = :token_hash AND used_at IS NULL AND expires_at > clock_timestamp()
    AND (created_by IS NULL
         OR EXISTS (SELECT FROM users maker
                     WHERE maker.id = created_by AND maker.role = 'admin' AND maker.erasing_since IS NULL))
"""
_WHAT: Final = "id, user_id, created_by, role, expires_at"
_FIND: Final = text(f"SELECT {_WHAT} FROM one_time_links WHERE {_OPEN}")  # noqa: S608  # constants
# The words for whom it was meant have served: by now that is somebody with data of their own.
_USE: Final = text(f"""
    UPDATE one_time_links SET used_at = clock_timestamp(), note = NULL WHERE {_OPEN} RETURNING {_WHAT}
""")  # noqa: S608  # constants
_END: Final = text("""
    UPDATE one_time_links SET expires_at = clock_timestamp()
     WHERE purpose = :purpose AND used_at IS NULL AND expires_at > clock_timestamp()
       AND (CAST(:user_id AS uuid) IS NULL OR user_id = :user_id)
       AND (CAST(:link_id AS uuid) IS NULL OR id = :link_id)
""")
_END_OF: Final = text("""
    UPDATE one_time_links SET expires_at = clock_timestamp()
     WHERE user_id = :user_id AND used_at IS NULL AND expires_at > clock_timestamp()
""")


class LinkPurpose(StrEnum):
    """What a link opens. One for something else opens nothing."""

    SETUP = "setup"
    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"  # noqa: S105  # a purpose, not a password


class LinkOverError(NotFoundError):
    """The link was used, has expired or was withdrawn, or there never was one: all look the same."""

    code = "link_over"

    def __init__(self) -> None:
        super().__init__("This link has been used already, has expired, or was withdrawn.")


@dataclass(frozen=True)
class NewLink:
    """A link that was made now. Its `token` is shown once and kept nowhere."""

    id: UUID
    token: SecretStr
    expires_at: datetime


@dataclass(frozen=True)
class OneTimeLink:
    """A link that works: whose it is, and what it opens."""

    id: UUID
    user_id: UUID | None
    created_by: UUID | None
    role: UserRole | None
    expires_at: datetime


def create_link(
    tx: Transaction,
    purpose: LinkPurpose,
    *,
    lasts: timedelta,
    user_id: UUID | None = None,
    created_by: UUID | None = None,
    role: UserRole | None = None,
    note: str | None = None,
) -> NewLink:
    """Make a link that works once within the time that it lasts."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    link_id = new_id()
    expires_at = tx.session.execute(
        _CREATE,
        {
            "id": link_id,
            "purpose": purpose,
            "token_hash": hash_of_token(token),
            "user_id": user_id,
            "created_by": created_by,
            "role": role,
            "note": note,
            "lasts": lasts,
        },
    ).scalar_one()
    return NewLink(id=link_id, token=SecretStr(token), expires_at=expires_at)


def find_link(tx: Transaction, purpose: LinkPurpose, token_hash: str) -> OneTimeLink | None:
    """The link, where it still works; it goes on working. One made by an admin works while they are one."""
    return _link(tx.session.execute(_FIND, {"purpose": purpose, "token_hash": token_hash}).one_or_none())


def use_link(tx: Transaction, purpose: LinkPurpose, token_hash: str) -> OneTimeLink:
    """Use the link up, together with what it opens: of two at once, one uses it.

    Raises:
        LinkOverError: it does not work, or no more.
    """
    link = _link(tx.session.execute(_USE, {"purpose": purpose, "token_hash": token_hash}).one_or_none())
    if link is None:
        raise LinkOverError
    return link


def end_links(
    tx: Transaction, purpose: LinkPurpose, *, user_id: UUID | None = None, link_id: UUID | None = None
) -> int:
    """End links not used yet: all of this purpose, this user's, or this one; how many those were."""
    return rows_changed(tx.session, _END, {"purpose": purpose, "user_id": user_id, "link_id": link_id})


def end_links_of(tx: Transaction, user_id: UUID) -> None:
    """End every link not used yet that opens something of this user's: a new password, or an export."""
    tx.session.execute(_END_OF, {"user_id": user_id})


def hash_of_token(token: str) -> str:
    """What is kept of a link's token: 256 random bits are too many to be guessed from a plain SHA-256."""
    return hash_of(token[:_LONGEST_TOKEN])


def _link(row: Row[Any] | None) -> OneTimeLink | None:
    if row is None:
        return None
    return OneTimeLink(
        id=row.id,
        user_id=row.user_id,
        created_by=row.created_by,
        role=None if row.role is None else UserRole(row.role),
        expires_at=row.expires_at,
    )
