"""How people prove who they are: passwords, and sign-ins that are on their way through a provider."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from spotify_insights.database.table import CreatedAt, Id, Table
from spotify_insights.security.sealing import SealedText


class LocalAccount(Table):
    """A name and a password of this installation, as argon2id hash (RFC 9106)."""

    __tablename__ = "local_accounts"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    # Lower case and normalised, so that two names that look alike are one.
    username: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class SignInAttempt(Table):
    """A browser that was sent to a provider and has not come back. Its state works once, for ten minutes."""

    __tablename__ = "sign_in_attempts"

    id: Mapped[Id]
    provider: Mapped[str]
    state_hash: Mapped[str] = mapped_column(unique=True)
    # SHA-256 of the cookie of the browser that began it: a state brought by another one is refused.
    browser_hash: Mapped[str]
    sealed_code_verifier: Mapped[SealedText] = mapped_column(Text)
    next_path: Mapped[str]
    # Who was signed in when it began: the provider's account is attached to them.
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_sign_in_attempts_expires", "expires_at"),)
