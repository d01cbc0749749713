"""Reading a stored file: what it is, and its content a piece at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.database.hot_read import HotRead, moment
from spotify_insights.errors import NotFoundError

_FILE: Final = text("""
    SELECT id, name, media_type, size_bytes, expires_at FROM stored_files
     WHERE id = :file_id AND user_id = :user_id AND kind = :kind
       AND completed_at IS NOT NULL AND expires_at > clock_timestamp()
""")
_CHUNK: Final = text("""
    SELECT content FROM stored_file_chunks
     WHERE file_id = :file_id AND user_id = :user_id AND number = :number
""")
_EXPORTS: Final = f"""
    SELECT coalesce((
             SELECT json_agg(json_build_object(
                      'export_id', f.id, 'name', f.name, 'size_bytes', f.size_bytes, 'sha256', f.sha256,
                      'created_at', {moment("f.created_at")}, 'expires_at', {moment("f.expires_at")})
                      ORDER BY f.id DESC)
               FROM stored_files f
              WHERE f.user_id = u.id AND f.kind = 'export'
                AND f.completed_at IS NOT NULL AND f.expires_at > clock_timestamp()), '[]')::text
      FROM users u WHERE u.id = %(user_id)s
"""  # noqa: S608  # only constants are put together
_COUNT: Final = text("""
    SELECT count(*) FROM stored_files
     WHERE user_id = :user_id AND kind = :kind AND expires_at > clock_timestamp()
""")
_COMPLETE: Final = text("""
    SELECT id FROM stored_files
     WHERE (CAST(:user_id AS uuid) IS NULL OR user_id = :user_id) AND kind = :kind
       AND completed_at IS NOT NULL AND expires_at > clock_timestamp()
""")
# In no policy of a provider is there a longer time for personal data of somebody who left.
_SHORTEN: Final = text("""
    UPDATE stored_files SET expires_at = least(expires_at, clock_timestamp() + interval '4 days')
     WHERE user_id = :user_id AND kind = 'export'
""")


@dataclass(frozen=True)
class FileFacts:
    """A complete file that is still kept."""

    file_id: UUID
    name: str
    media_type: str
    size_bytes: int
    expires_at: datetime


def export_documents(user_id: UUID) -> HotRead:
    """The exports of a user that can be downloaded, the newest first."""
    return HotRead(_EXPORTS, {"user_id": user_id})


def stored_file(session: Session, user_id: UUID, file_id: UUID, *, kind: str) -> FileFacts:
    """The file.

    Raises:
        NotFoundError: there is none like that, it is incomplete, or its time is over.
    """
    row = session.execute(_FILE, {"file_id": file_id, "user_id": user_id, "kind": kind}).one_or_none()
    if row is None:
        raise NotFoundError("There is no such file.")
    return FileFacts(row.id, row.name, row.media_type, row.size_bytes, row.expires_at)


def read_chunk(session: Session, user_id: UUID, file_id: UUID, number: int) -> bytes | None:
    """The piece `number`, counted from 0; None behind the last one, and of a file that is gone."""
    content = session.scalar(_CHUNK, {"file_id": file_id, "user_id": user_id, "number": number})
    return None if content is None else bytes(content)


def count_files(session: Session, user_id: UUID, *, kind: str) -> int:
    """How many files of this kind are kept for the user, complete or not."""
    return int(session.execute(_COUNT, {"user_id": user_id, "kind": kind}).scalar_one())


def complete_files(session: Session, user_id: UUID | None, *, kind: str) -> Sequence[UUID]:
    """The ids of the user's files of this kind that are whole and still kept; None means everybody's."""
    return session.scalars(_COMPLETE, {"user_id": user_id, "kind": kind}).all()


def shorten_exports(session: Session, user_id: UUID) -> None:
    """Keep the user's exports for four more days at most."""
    session.execute(_SHORTEN, {"user_id": user_id})
