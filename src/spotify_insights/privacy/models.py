"""What remains of somebody who left: that they did, and how much was deleted; not who they were."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from spotify_insights.database.table import Id, Table


class Erasure(Table):
    """A tombstone. `user_id` is there until all is gone; by `user_hash` a restored backup is purged again."""

    __tablename__ = "erasures"

    id: Mapped[Id]
    # No foreign key: it outlives the user.
    user_id: Mapped[UUID | None]
    user_hash: Mapped[str]
    requested_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    finished_at: Mapped[datetime | None]
    counts: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'::jsonb"))

    __table_args__ = (
        Index("uq_erasures_open", "user_id", unique=True, postgresql_where=text("user_id IS NOT NULL")),
        Index("ix_erasures_user_hash", "user_hash"),
    )
