"""Imported files, and which plays each of them told."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.dialects.postgresql import INT8MULTIRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from spotify_insights.database.table import CreatedAt, Id, Table


class Import(Table):
    """One file that was imported, and its receipt. Undoing it deletes the row.

    `first_play_at` and `last_play_at` are those of the plays that are no videos: the time that it covers.
    """

    __tablename__ = "imports"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    file_name: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    receipt: Mapped[dict[str, object]]
    first_play_at: Mapped[datetime | None]
    last_play_at: Mapped[datetime | None]
    imported_at: Mapped[CreatedAt]


class ImportBatch(Table):
    """Which plays a part of an import told, whether it was the first to tell them or not."""

    __tablename__ = "import_batches"

    import_id: Mapped[UUID] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    # Keys of plays that are stored together follow each other: a million takes some hundred bytes.
    plays: Mapped[list[Range[int]]] = mapped_column(INT8MULTIRANGE)
    spoken_plays: Mapped[list[Range[int]]] = mapped_column(INT8MULTIRANGE)
