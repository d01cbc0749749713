"""Answers kept so that a request that is sent again gets the same one."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from spotify_insights.database.table import Table


class IdempotencyKey(Table):
    """The answer to the first request that carried this key within its scope (caller and route)."""

    __tablename__ = "idempotency_keys"

    scope: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    # Whom the answer is about: it goes with them.
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    # Tells a repeated request from another one under the same key, without keeping what it carried.
    request_hash: Mapped[str]
    status: Mapped[int]
    location: Mapped[str | None]
    body: Mapped[dict[str, object]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())

    __table_args__ = (Index("ix_idempotency_keys_created", "created_at"),)
