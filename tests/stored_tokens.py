"""A listener's token row, as a test looks at it and changes it behind the program's back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from spotify_insights.accounts.connect import place_of
from spotify_insights.accounts.models import SpotifyToken
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime
from spotify_insights.security.sealing import SealedText


def token_row(database: Database, user_id: UUID) -> SpotifyToken:
    """The row as it stands."""
    with database.transaction(acting_for=SYSTEM) as tx:
        return tx.session.scalars(select(SpotifyToken).where(SpotifyToken.user_id == user_id)).one()


def stored_access_token(runtime: Runtime, user_id: UUID) -> str:
    """The access token in the clear."""
    return _opened(runtime, token_row(runtime.database, user_id), "sealed_access_token")


def stored_refresh_token(runtime: Runtime, user_id: UUID) -> str:
    """The refresh token in the clear."""
    return _opened(runtime, token_row(runtime.database, user_id), "sealed_refresh_token")


def let_access_end_in(database: Database, user_id: UUID, seconds: float) -> None:
    """Make the stored access token end so many seconds from now."""
    ends = "expires_at = clock_timestamp() + make_interval(secs => :seconds)"
    _change(database, user_id, ends, seconds=seconds)


def hold_lease_for(database: Database, user_id: UUID, seconds: float) -> datetime:
    """Leave the row as a caller does who took the lease and died; when it ends."""
    holds = (
        "lease_token = gen_random_uuid(),"
        " lease_expires_at = clock_timestamp() + make_interval(secs => :seconds)"
    )
    _change(database, user_id, holds, seconds=seconds)
    ends_at = token_row(database, user_id).lease_expires_at
    assert ends_at is not None
    return ends_at


def refresh_calls(pretend_spotify: RunningPretendSpotify) -> int:
    """How often the token endpoint was asked so far, whatever it answered."""
    counted = pretend_spotify.control.counters().by_route
    return sum(count for route, count in counted.items() if route.startswith("POST /api/token"))


def _opened(runtime: Runtime, row: SpotifyToken, column: str) -> str:
    place = place_of(column, token_id=row.id, user_id=row.user_id)
    return runtime.sealer.open(SealedText(getattr(row, column)), place).get_secret_value()


def _change(database: Database, user_id: UUID, assignments: str, **parameters: Any) -> None:
    statement = text(f"UPDATE spotify_tokens SET {assignments} WHERE user_id = :user_id")  # noqa: S608  # our own words
    with database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(statement, {"user_id": user_id, **parameters})
