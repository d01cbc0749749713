"""Storing a file in the database, the one place that API and workers share: begun, filled, completed."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import IO, Final, Literal
from uuid import UUID

from sqlalchemy import func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from spotify_insights.database.table import new_id
from spotify_insights.storage.models import StoredFile, StoredFileChunk

CHUNK_BYTES: Final = 1024 * 1024

_DROP_BEGUN: Final = text("""
    DELETE FROM stored_files WHERE user_id = :user_id AND kind = :kind AND completed_at IS NULL
""")


def begin_file(
    session: Session,
    user_id: UUID,
    *,
    kind: Literal["export", "upload"],
    name: str,
    media_type: str,
    lasts: timedelta,
) -> UUID:
    """A new file without content, and its id; until it is completed nobody can read it.

    Args:
        lasts: how long it is kept.
    """
    file_id = new_id()
    session.execute(
        insert(StoredFile).values(
            id=file_id,
            user_id=user_id,
            kind=kind,
            name=name,
            media_type=media_type,
            expires_at=func.clock_timestamp() + lasts,
        )
    )
    return file_id


def chunks_of(content: IO[bytes]) -> Iterator[bytes]:
    """The rest of `content` in pieces of CHUNK_BYTES; the last one may be shorter."""
    while piece := content.read(CHUNK_BYTES):
        yield piece


def add_chunk(session: Session, user_id: UUID, file_id: UUID, number: int, content: bytes) -> None:
    """Store the piece `number`, counted from 0. Safe to repeat."""
    session.execute(
        insert(StoredFileChunk)
        .values(file_id=file_id, number=number, user_id=user_id, content=content)
        .on_conflict_do_nothing()
    )


def complete_file(session: Session, file_id: UUID, *, size_bytes: int, sha256: str) -> datetime:
    """Let the file be read from now on; until when it is kept.

    Args:
        sha256: of the whole content, in hexadecimal digits.
    """
    return session.scalars(
        update(StoredFile)
        .where(StoredFile.id == file_id)
        .values(size_bytes=size_bytes, sha256=sha256, completed_at=func.clock_timestamp())
        .returning(StoredFile.expires_at)
    ).one()


def keep_file_for(session: Session, file_id: UUID, lasts: timedelta) -> None:
    """Count the time for which the file is kept anew, from now on."""
    session.execute(
        update(StoredFile).where(StoredFile.id == file_id).values(expires_at=func.clock_timestamp() + lasts)
    )


def expire_files(session: Session, file_ids: Sequence[UUID]) -> None:
    """Let the time of these files be over: nobody can read them, and the next purge deletes them."""
    if file_ids:
        session.execute(
            update(StoredFile)
            .where(StoredFile.id.in_(file_ids))
            .values(expires_at=func.clock_timestamp())
            .execution_options(synchronize_session=False)
        )


def drop_begun_files(session: Session, user_id: UUID, *, kind: Literal["export", "upload"]) -> None:
    """Delete what an attempt before this one has left unfinished."""
    session.execute(_DROP_BEGUN, {"user_id": user_id, "kind": kind})
