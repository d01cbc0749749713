"""What counts as a play in a letter is the listener's to choose, and the installation's otherwise."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from invented_weeks import WEEK
from makers import a_user
from spotify_insights.accounts.profile import change_profile
from spotify_insights.database.actor import SYSTEM
from spotify_insights.runtime import Runtime
from weekly_trials import (
    NINE_IN_BERLIN,
    Played,
    has_played,
    letters,
    result_of,
    run_slot,
    stand_at,
    summarised,
    weeks,
)

BEGINS = WEEK.bounds("Europe/Berlin")[0]


def a_listener_who_skips(runtime: Runtime, preferences: dict[str, Any] | None = None) -> UUID:
    """Somebody with twelve plays of four minutes and eight of ten seconds in the week."""
    user_id = a_user(runtime, timezone="Europe/Berlin")
    has_played(
        runtime,
        user_id,
        [
            Played(
                f"Song {n % 5}", BEGINS + timedelta(hours=7 * n + 9), ms_played=240_000 if n < 12 else 10_000
            )
            for n in range(20)
        ],
    )
    prefer(runtime, user_id, preferences or {})
    return user_id


def prefer(runtime: Runtime, user_id: UUID, preferences: dict[str, Any]) -> None:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        change_profile(tx, user_id, preferences=preferences)


def test_the_rule_that_is_preferred_counts_the_letter(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_at(monkeypatch, NINE_IN_BERLIN)
    preferred: tuple[tuple[dict[str, Any], int], ...] = (
        ({}, 12),
        ({"play_rule": "lastfm"}, 12),
        ({"play_rule": "all"}, 20),
        ({"play_rule": "never"}, 12),
    )
    for preferences, plays in preferred:
        user_id = a_listener_who_skips(runtime, preferences)
        assert result_of(run_slot(runtime)) == {"listeners": 1}
        [letter] = letters(client, user_id)
        assert f"{plays} plays" in letter["content"]
        [week] = weeks(client, user_id)
        assert week["rhythm"]["plays"] == plays


def test_another_rule_makes_another_version_and_the_same_rule_none(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_at(monkeypatch, NINE_IN_BERLIN)
    user_id = a_listener_who_skips(runtime)
    first = summarised(runtime, user_id)
    prefer(runtime, user_id, {"play_rule": "all"})
    second = summarised(runtime, user_id)
    third = summarised(runtime, user_id)

    assert (first["reused"], second["reused"], third["reused"]) == (False, False, True)
    assert first["snapshot_id"] == second["snapshot_id"] == third["snapshot_id"]
    assert [(each["version"], each["superseded_by"]) for each in letters(client, user_id)] == [
        (2, None),
        (1, second["insight_id"]),
    ]


def test_somebody_who_only_skips_gets_a_letter_where_every_row_counts(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_at(monkeypatch, NINE_IN_BERLIN)
    user_id = a_user(runtime, timezone="Europe/Berlin")
    skips = [Played(f"Song {n}", BEGINS + timedelta(hours=n), ms_played=5_000) for n in range(12)]
    has_played(runtime, user_id, skips)
    assert result_of(run_slot(runtime)) == {"listeners": 0}

    prefer(runtime, user_id, {"play_rule": "all"})

    assert result_of(run_slot(runtime)) == {"listeners": 1}
    assert "12 plays" in letters(client, user_id)[0]["content"]


def test_the_installations_rule_counts_where_nothing_is_preferred(
    runtime: Runtime, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_at(monkeypatch, NINE_IN_BERLIN)
    user_id, with_a_wish = (a_listener_who_skips(runtime, {"play_rule": wish}) for wish in (None, "spotify"))
    installed = replace(runtime, settings=runtime.settings.model_copy(update={"play_rule": "all"}))

    assert result_of(run_slot(installed)) == {"listeners": 2}

    assert [weeks(client, each)[0]["rhythm"]["plays"] for each in (user_id, with_a_wish)] == [20, 12]
    assert "20 plays" in letters(client, user_id)[0]["content"]
