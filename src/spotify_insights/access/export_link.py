"""The link that downloads an export: 256 random bits, of which only a hash is kept, good for one download."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text

from spotify_insights.database.database import Transaction
from spotify_insights.database.table import new_id

LIFE: Final = timedelta(hours=24)

_MAKE: Final = text("""
    INSERT INTO one_time_links (id, purpose, token_hash, user_id, stored_file_id, expires_at)
    VALUES (:id, 'export', :token_hash, :user_id, :file_id,
            least(clock_timestamp() + :life, CAST(:file_expires_at AS timestamptz)))
 RETURNING expires_at
""")
_OPEN: Final = """
    token_hash = :token_hash AND purpose = 'export' AND used_at IS NULL AND expires_at > clock_timestamp()
"""
_FIND: Final = text(f"SELECT user_id, stored_file_id FROM one_time_links WHERE {_OPEN}")  # noqa: S608  # a constant
_USE: Final = text(f"""
    UPDATE one_time_links SET used_at = clock_timestamp() WHERE {_OPEN} RETURNING id
""")  # noqa: S608  # a constant


@dataclass(frozen=True, repr=False)
class ExportLink:
    """`token` is shown to whoever asked, once; it is kept nowhere."""

    token: str
    expires_at: datetime


@dataclass(frozen=True)
class Linked:
    """What an open link leads to."""

    user_id: UUID
    file_id: UUID


def make_export_link(
    tx: Transaction, user_id: UUID, file_id: UUID, *, file_expires_at: datetime
) -> ExportLink:
    """A link for one download within a day, and not beyond the end of the file."""
    token = secrets.token_urlsafe(32)
    expires_at = tx.session.scalars(
        _MAKE,
        {
            "id": new_id(),
            "token_hash": _hash(token),
            "user_id": user_id,
            "file_id": file_id,
            "life": LIFE,
            "file_expires_at": file_expires_at,
        },
    ).one()
    return ExportLink(token=token, expires_at=expires_at)


def find_export(tx: Transaction, token: str) -> Linked | None:
    """Where the link leads; None where it is unknown, used or too old. It stays as it is."""
    row = tx.session.execute(_FIND, {"token_hash": _hash(token)}).one_or_none()
    return None if row is None else Linked(user_id=row.user_id, file_id=row.stored_file_id)


def use_export_link(tx: Transaction, token: str) -> bool:
    """Use the link up; whether it was open. Of several who try at once, one succeeds."""
    return tx.session.scalar(_USE, {"token_hash": _hash(token)}) is not None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
