"""Files that API and workers both reach: uploads and produced exports, in chunks."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from spotify_insights.database.table import CreatedAt, Id, Table


class StoredFile(Table):
    """One file of one listener. It can be read once `completed_at` is set, and is gone after `expires_at`."""

    __tablename__ = "stored_files"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    name: Mapped[str]
    media_type: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    sha256: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    completed_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("kind IN ('export', 'upload')", name="kind_known"),
        CheckConstraint("(completed_at IS NULL) = (sha256 IS NULL)", name="complete_has_a_hash"),
        Index("ix_stored_files_expires", "expires_at"),
    )


class StoredFileChunk(Table):
    """A piece of a file, numbered from 0."""

    __tablename__ = "stored_file_chunks"

    file_id: Mapped[UUID] = mapped_column(ForeignKey("stored_files.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
