"""People, the identities they sign in with, their sealed Spotify tokens, and what our app may ask."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from spotify_insights.database.table import CreatedAt, Id, Table, UpdatedAt
from spotify_insights.security.sealing import SealedText


class User(Table):
    """A person of this installation, whichever provider they came through."""

    __tablename__ = "users"

    id: Mapped[Id]
    display_name: Mapped[str | None]
    email: Mapped[str | None]
    timezone: Mapped[str] = mapped_column(server_default="UTC")
    role: Mapped[str] = mapped_column(server_default="user")
    preferences: Mapped[dict[str, object]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    # The service that registered this person and may act for them; nobody, for those who came by themselves.
    # A service that still has users cannot be deleted.
    registered_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"), index=True)
    # From here on nothing new is begun for this person; see `privacy.erase`.
    erasing_since: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    __table_args__ = (CheckConstraint("role IN ('user', 'admin', 'service')", name="role_known"),)


class UserIdentity(Table):
    """One account at one provider that proves who a user is.

    What a service says about its users proves nothing to others: its identities are its own, and a person who
    signs in with the same account meets none of them.
    """

    __tablename__ = "user_identities"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    provider: Mapped[str]
    provider_user_id: Mapped[str]
    # Spotify's `account_id`, which never changes; absent where Spotify did not give one.
    account_id: Mapped[str | None]
    asserted_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        UniqueConstraint("provider", "provider_user_id", "asserted_by", postgresql_nulls_not_distinct=True),
        Index(
            "uq_user_identities_account_id",
            "provider",
            "account_id",
            unique=True,
            postgresql_where=text("account_id IS NOT NULL AND asserted_by IS NULL"),
        ),
    )


class SpotifyToken(Table):
    """A listener's OAuth tokens. Only ciphertext is stored; see `security.sealing`.

    `version` counts every change of the tokens: whoever refreshes compares it, so that a refresh that was
    overtaken by a new authorisation is dropped. The lease lets one caller at a time talk to Spotify.
    """

    __tablename__ = "spotify_tokens"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    sealed_access_token: Mapped[SealedText | None] = mapped_column(Text)
    sealed_refresh_token: Mapped[SealedText | None] = mapped_column(Text)
    scope: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    expires_at: Mapped[datetime]
    authorized_at: Mapped[datetime]
    refresh_expires_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(server_default="connected")
    version: Mapped[int] = mapped_column(server_default="1")
    lease_token: Mapped[UUID | None]
    lease_expires_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    __table_args__ = (
        CheckConstraint("status IN ('connected', 'reauth_required')", name="status_known"),
        CheckConstraint(
            "status <> 'connected' OR (sealed_access_token IS NOT NULL AND sealed_refresh_token IS NOT NULL)",
            name="connected_has_tokens",
        ),
        Index("ix_spotify_tokens_expiring", "expires_at", postgresql_where=text("status = 'connected'")),
    )


class ListenBrainzToken(Table):
    """A listener's ListenBrainz user token. Only ciphertext is stored."""

    __tablename__ = "listenbrainz_tokens"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    sealed_user_token: Mapped[SealedText | None] = mapped_column(Text)
    user_name: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="connected")
    authorized_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    updated_at: Mapped[UpdatedAt]

    __table_args__ = (
        CheckConstraint("status IN ('connected', 'reauth_required')", name="status_known"),
        CheckConstraint(
            "(status = 'connected') = (sealed_user_token IS NOT NULL)", name="connected_has_token"
        ),
    )


class ReauthorizationReminder(Table):
    """A reminder given so many days before an authorisation ends; its primary key lets each be given once."""

    __tablename__ = "reauthorization_reminders"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    refresh_expires_at: Mapped[datetime] = mapped_column(primary_key=True)
    days_before: Mapped[int] = mapped_column(primary_key=True)
    reminded_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class SpotifyAppDay(Table):
    """How many calls this installation has made to Spotify on one day (UTC) with one client id."""

    __tablename__ = "spotify_app_days"

    client_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    calls: Mapped[int]

    __table_args__ = (CheckConstraint("calls >= 0", name="calls_not_negative"),)


class SpotifyAppPause(Table):
    """Spotify refused the whole app for a while: nobody asks before this moment."""

    __tablename__ = "spotify_app_pauses"

    client_id: Mapped[str] = mapped_column(primary_key=True)
    not_before: Mapped[datetime]
    reason: Mapped[str]


class DailyUsage(Table):
    """How often a listener used something that is counted, on one day (UTC)."""

    __tablename__ = "daily_usage"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    used: Mapped[int]

    __table_args__ = (CheckConstraint("used >= 0", name="used_not_negative"),)
