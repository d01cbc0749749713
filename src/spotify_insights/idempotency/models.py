"""Answers kept so that a request that is sent again gets the same one."""

from datetime import datetime

from sqlalchemy import Index, func
from sqlalchemy.orm import Mapped, mapped_column

from spotify_insights.database.table import Table


class IdempotencyKey(Table):
    """The answer to the first request that carried this key within its scope (caller and route)."""

    __tablename__ = "idempotency_keys"

    scope: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    # Tells a repeated request from another one under the same key, without keeping what it carried.
    request_hash: Mapped[str]
    status: Mapped[int]
    location: Mapped[str | None]
    body: Mapped[dict[str, object]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())

    __table_args__ = (Index("ix_idempotency_keys_created", "created_at"),)
