"""Deleting stored files whose time is over, a few pieces at a time: one piece is a whole megabyte."""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.database.database import rows_changed

MOST_CHUNKS: Final = 64

_EXPIRED_CHUNKS: Final = text("""
    DELETE FROM stored_file_chunks WHERE (file_id, number) IN (
           SELECT c.file_id, c.number FROM stored_file_chunks c JOIN stored_files f ON f.id = c.file_id
            WHERE f.expires_at < clock_timestamp() LIMIT :batch)
""")
_EXPIRED_FILES: Final = text("""
    DELETE FROM stored_files WHERE id IN (
           SELECT id FROM stored_files f
            WHERE expires_at < clock_timestamp()
              AND NOT EXISTS (SELECT FROM stored_file_chunks c WHERE c.file_id = f.id)
            LIMIT :batch)
""")
_CHUNKS_OF_FILE: Final = text("""
    DELETE FROM stored_file_chunks WHERE (file_id, number) IN (
           SELECT file_id, number FROM stored_file_chunks
            WHERE file_id = :file_id AND user_id = :user_id LIMIT :batch)
""")
_FILE: Final = text("DELETE FROM stored_files WHERE id = :file_id AND user_id = :user_id")
_CHUNKS_OF: Final = text("""
    DELETE FROM stored_file_chunks WHERE (file_id, number) IN (
           SELECT file_id, number FROM stored_file_chunks WHERE user_id = :user_id LIMIT :batch)
""")


def purge_expired_files(session: Session, *, batch: int = MOST_CHUNKS) -> int:
    """Delete at most `batch` pieces of files that are too old, or such files without any; how many rows."""
    chunks = rows_changed(session, _EXPIRED_CHUNKS, {"batch": batch})
    return chunks or rows_changed(session, _EXPIRED_FILES, {"batch": batch})


def drop_chunks_of(session: Session, user_id: UUID, *, batch: int = MOST_CHUNKS) -> int:
    """Delete at most `batch` pieces of a user's files; how many."""
    return rows_changed(session, _CHUNKS_OF, {"user_id": user_id, "batch": batch})


def drop_file(session: Session, user_id: UUID, file_id: UUID, *, batch: int = MOST_CHUNKS) -> int:
    """Delete at most `batch` pieces of the file, or a file without any; how many rows.

    None are left when it is gone.
    """
    chosen = {"file_id": file_id, "user_id": user_id}
    return rows_changed(session, _CHUNKS_OF_FILE, chosen | {"batch": batch}) or rows_changed(
        session, _FILE, chosen
    )
