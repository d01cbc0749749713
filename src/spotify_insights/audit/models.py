"""The audit log: who did what to whose things, and when. Rows are added and never changed."""

from datetime import datetime

from sqlalchemy import Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from spotify_insights.database.table import Id, Table


class AuditRecord(Table):
    """One thing that happened. People are pseudonyms (an HMAC of the id), so that erasing leaves it whole."""

    __tablename__ = "audit_log"

    id: Mapped[Id]
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    event: Mapped[str]
    # listener, service, admin, local, authentication or system.
    actor_role: Mapped[str]
    actor_hash: Mapped[str | None]
    subject_hash: Mapped[str | None]
    # What it was done to, where that is no person: a job's id, the public part of an API key.
    target: Mapped[str | None]
    request_id: Mapped[str | None]
    # Shortened to the network: /24 for IPv4, /48 for IPv6.
    address: Mapped[str | None]
    details: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'::jsonb"))

    __table_args__ = (
        Index("ix_audit_log_at", "at"),
        Index("ix_audit_log_subject", "subject_hash", text("id DESC")),
        Index("ix_audit_log_actor", "actor_hash", text("id DESC")),
    )
