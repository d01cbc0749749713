"""Storing the tokens of a listener who authorised this installation."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from spotify_insights.accounts.erasing import refuse_if_erasing
from spotify_insights.accounts.models import SpotifyToken
from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.database.database import Transaction
from spotify_insights.database.table import new_id
from spotify_insights.security.sealing import SealedPlace, Sealer

# Refresh tokens end six months after the listener's consent, and refreshing does not extend them:
# https://developer.spotify.com/blog/2026-06-18-refresh-token-expiration
REFRESH_TOKEN_LIFE = "6 months"  # noqa: S105  # a duration


def place_of(column: str, *, token_id: UUID, user_id: UUID) -> SealedPlace:
    """Where a token is sealed: one column of one row of one person."""
    return SealedPlace(table="spotify_tokens", column=column, row_id=token_id, user_id=user_id)


def store_tokens(
    tx: Transaction,
    sealer: Sealer,
    user_id: UUID,
    *,
    access_token: SecretStr,
    refresh_token: SecretStr,
    expires_in: int,
    scope: Sequence[str] | None = None,
    trail: AuditTrail | None = None,
) -> str | None:
    """Keep the tokens of a fresh authorisation, in place of any that were there.

    Reminders begin anew, because they belong to an end, and the end is new. Returns the status that the
    connection had before: `connected`, `reauth_required`, or None where there was none.

    Args:
        expires_in: life of the access token in seconds, counted from now by the database's clock.
        scope: what was granted, or None where that is unknown.
        trail: of whoever hands the tokens over, which records that; what a sign-in brings is recorded there.

    Raises:
        NotFoundError: there is no such user.
        BeingErasedError: they are being erased.
    """
    refuse_if_erasing(tx.session, user_id)
    known = tx.session.execute(
        select(SpotifyToken.id, SpotifyToken.version, SpotifyToken.status)
        .where(SpotifyToken.user_id == user_id)
        .with_for_update()
    ).one_or_none()
    token_id = known.id if known else new_id()
    values = {
        "id": token_id,
        "user_id": user_id,
        "sealed_access_token": sealer.seal(
            access_token, place_of("sealed_access_token", token_id=token_id, user_id=user_id)
        ),
        "sealed_refresh_token": sealer.seal(
            refresh_token, place_of("sealed_refresh_token", token_id=token_id, user_id=user_id)
        ),
        "scope": None if scope is None else list(scope),
        "expires_at": func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, expires_in),
        "authorized_at": func.clock_timestamp(),
        "refresh_expires_at": func.clock_timestamp() + text(f"interval '{REFRESH_TOKEN_LIFE}'"),
        "status": "connected",
        "version": known.version + 1 if known else 1,
        "lease_token": None,
        "lease_expires_at": None,
        "updated_at": func.clock_timestamp(),
    }
    statement = insert(SpotifyToken).values(values)
    tx.session.execute(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_={name: statement.excluded[name] for name in values if name not in {"id", "user_id"}},
        )
    )
    if trail is not None:
        trail.record(tx, AuditEvent.TOKENS_STORED, subject=user_id, details={"provider": "spotify"})
    return known.status if known else None
