"""What listeners change about themselves, and what stays."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from makers import a_user
from spotify_insights.accounts.models import User
from spotify_insights.accounts.profile import change_profile
from spotify_insights.database.actor import SYSTEM
from spotify_insights.errors import InvalidInputError, NotFoundError
from spotify_insights.runtime import Runtime


def test_only_what_is_given_is_changed(runtime: Runtime) -> None:
    user_id = a_user(runtime, timezone="Europe/Berlin")
    before = user(runtime, user_id)
    change(runtime, user_id, timezone="Asia/Tokyo")
    after = user(runtime, user_id)
    assert (after.timezone, after.display_name) == ("Asia/Tokyo", before.display_name)
    assert after.updated_at > before.updated_at
    change(runtime, user_id, display_name="Kim")
    latest = user(runtime, user_id)
    assert (latest.timezone, latest.display_name) == ("Asia/Tokyo", "Kim")


def test_preferences_are_merged_key_by_key_and_none_removes_one(runtime: Runtime) -> None:
    user_id = a_user(runtime)
    change(runtime, user_id, preferences={"theme": "dark", "weekly": True, "nested": {"a": 1}})
    change(runtime, user_id, preferences={"theme": None, "weekly": False})
    assert user(runtime, user_id).preferences == {"weekly": False, "nested": {"a": 1}}


def test_an_unknown_timezone_changes_nothing(runtime: Runtime) -> None:
    user_id = a_user(runtime, timezone="Europe/Berlin")
    with pytest.raises(InvalidInputError):
        change(runtime, user_id, display_name="Kim", timezone="Mars/Olympus")
    assert (user(runtime, user_id).timezone, user(runtime, user_id).display_name) == (
        "Europe/Berlin",
        "Robin",
    )


def test_nobody_has_no_profile(runtime: Runtime) -> None:
    with pytest.raises(NotFoundError):
        change(runtime, uuid4(), display_name="Kim")


def change(runtime: Runtime, user_id: UUID, **changes: Any) -> None:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        change_profile(tx, user_id, **changes)


def user(runtime: Runtime, user_id: UUID) -> User:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        return tx.session.get_one(User, user_id)
