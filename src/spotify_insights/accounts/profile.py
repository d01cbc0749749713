"""What a listener may change about themselves."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select

from spotify_insights.accounts.models import User
from spotify_insights.accounts.timezone import check_timezone
from spotify_insights.database.database import Transaction
from spotify_insights.errors import InvalidInputError, NotFoundError

MOST_PREFERENCES: Final = 50


def change_profile(
    tx: Transaction,
    user_id: UUID,
    *,
    display_name: str | None = None,
    timezone: str | None = None,
    preferences: Mapping[str, Any] | None = None,
) -> None:
    """Change what is given and leave the rest; `preferences` are merged key by key, None removing a key.

    Raises:
        NotFoundError: there is no such user.
        InvalidInputError: the timezone is unknown, or there would be more than MOST_PREFERENCES.
    """
    user = tx.session.scalar(select(User).where(User.id == user_id).with_for_update())
    if user is None:
        raise no_such_user()
    if display_name is not None:
        user.display_name = display_name
    if timezone is not None:
        user.timezone = check_timezone(timezone)
    if preferences is not None:
        merged = {**user.preferences, **preferences}
        kept = {name: value for name, value in merged.items() if value is not None}
        if len(kept) > MOST_PREFERENCES:
            raise InvalidInputError(
                f"A listener has {MOST_PREFERENCES} preferences at most. Set those not needed to null.",
                field="preferences",
            )
        user.preferences = kept
    user.updated_at = func.clock_timestamp()


def no_such_user() -> NotFoundError:
    """The one sentence for users that do not exist or are not the caller's."""
    return NotFoundError("There is no such user.")
