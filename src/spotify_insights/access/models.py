"""What proves a request's right: sessions, tokens, API keys and one-time links. Only hashes are kept."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from spotify_insights.database.table import CreatedAt, Id, Table


class Session(Table):
    """One sign-in: a browser with its cookie, or a program with a family of tokens."""

    __tablename__ = "sessions"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    # The key that a family of tokens was given for; it ends with it.
    api_key_id: Mapped[UUID | None] = mapped_column(ForeignKey("api_keys.id", ondelete="CASCADE"), index=True)
    # SHA-256 of the cookie's value; a family of tokens has none.
    token_hash: Mapped[str | None] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[CreatedAt]
    last_seen_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    # What the listener recognises it by: a shortened address and the browser's name for itself.
    address: Mapped[str | None]
    user_agent: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("kind IN ('browser', 'token')", name="kind_known"),
        CheckConstraint("(kind = 'browser') = (token_hash IS NOT NULL)", name="browser_has_a_cookie"),
        Index("ix_sessions_expires", "expires_at"),
    )


class RefreshToken(Table):
    """One refresh token of a family. Used once; used again later, it ends the family (RFC 9700, 4.14.2)."""

    __tablename__ = "refresh_tokens"

    id: Mapped[Id]
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ApiKey(Table):
    """A key for programs, shown once. `key_id` is its public part; the secret is kept as an HMAC."""

    __tablename__ = "api_keys"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    key_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    secret_hash: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class OneTimeLink(Table):
    """A link that works once: first set-up, an invitation, a new password, the download of an export."""

    __tablename__ = "one_time_links"

    id: Mapped[Id]
    purpose: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    # Whose it is: of a new password or a download; nobody yet, for set-up and invitations.
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    stored_file_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("stored_files.id", ondelete="CASCADE"), index=True
    )
    # What an invitation makes of whoever accepts it, and for whom it is meant, in the admin's words.
    role: Mapped[str | None]
    note: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(
            "purpose IN ('setup', 'invitation', 'password_reset', 'export')", name="purpose_known"
        ),
        CheckConstraint("role IN ('user', 'admin', 'service')", name="role_known"),
        CheckConstraint("(purpose = 'export') = (stored_file_id IS NOT NULL)", name="export_has_a_file"),
        Index("ix_one_time_links_open", "expires_at", postgresql_where=text("used_at IS NULL")),
    )
