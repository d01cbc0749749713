"""The end of an authorisation: reminders at 30, 7 and 1 days, and no call to Spotify once it has come."""

import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from app_calls import attempted, requests_made
from job_trials import at_once, claimed, enqueued
from makers import a_connected_user
from passing_time import let_authorisation_end_in
from spotify_insights.accounts.connect import store_tokens
from spotify_insights.accounts.jobs import RefreshExpiringTokens, RefreshToken
from spotify_insights.accounts.reauthorization import Reminder, remind
from spotify_insights.accounts.refresh import refresh_expiring_tokens
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Database
from spotify_insights.jobs.attempt import FencedError
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime
from spotify_insights.spotify.errors import ReauthRequiredError
from stored_tokens import hold_lease_for, let_access_end_in, token_row

A_DAY = timedelta(days=1)
A_MINUTE = timedelta(minutes=1)


def test_each_reminder_is_given_once_on_the_way_to_the_end(runtime: Runtime) -> None:
    user_id = a_connected_user(runtime)
    given = []
    for minutes_left in (31 * 1440, 30 * 1440, 29 * 1440, 7 * 1440 + 1, 7 * 1440, 6 * 1440, 1440, 60, 1):
        let_authorisation_end_in(runtime.database, user_id, minutes_left * A_MINUTE)
        # The schedule comes by more than once, and an attempt at it may be repeated.
        for _ in range(3):
            reminded = attempted(runtime, RefreshExpiringTokens()).result or {}
            given += [minutes_left / 1440] * int(str(reminded["reminded"]))
    assert given == [30, 7, 1]
    assert reminders(runtime.database) == [(user_id, 1), (user_id, 7), (user_id, 30)]


@pytest.mark.parametrize(
    ("days_left", "most_urgent"), [(29.9, 30), (7.1, 30), (6.9, 7), (1.1, 7), (0.9, 1), (0.01, 1)]
)
def test_of_the_reminders_that_were_missed_only_the_most_urgent_is_given(
    runtime: Runtime, days_left: float, most_urgent: int
) -> None:
    user_id = a_connected_user(runtime)
    let_authorisation_end_in(runtime.database, user_id, days_left * A_DAY)
    for _ in range(2):
        attempted(runtime, RefreshExpiringTokens())
    assert reminders(runtime.database) == [(user_id, most_urgent)]


def test_many_at_once_remind_each_listener_once(runtime: Runtime) -> None:
    listeners = [a_connected_user(runtime) for _ in range(5)]
    for user_id in listeners:
        let_authorisation_end_in(runtime.database, user_id, 6.5 * A_DAY)

    def give(together: threading.Barrier) -> list[Reminder]:
        with runtime.database.transaction(acting_for=SYSTEM) as tx:
            together.wait()
            return list(remind(tx.session))

    given = [reminder for each in at_once(8, give) for reminder in each]
    assert sorted(given, key=lambda reminder: reminder.user_id) == [
        Reminder(user_id=user_id, days_before=7, days_left=6) for user_id in sorted(listeners)
    ]


def test_a_new_authorisation_begins_anew(runtime: Runtime) -> None:
    user_id = a_connected_user(runtime)
    let_authorisation_end_in(runtime.database, user_id, 20 * A_DAY)
    attempted(runtime, RefreshExpiringTokens())
    authorise_again(runtime, user_id)
    assert attempted(runtime, RefreshExpiringTokens()).result == {"queued": 0, "reminded": 0, "ended": 0}
    let_authorisation_end_in(runtime.database, user_id, 21 * A_DAY)
    assert attempted(runtime, RefreshExpiringTokens()).result == {"queued": 0, "reminded": 1, "ended": 0}
    assert reminders(runtime.database) == [(user_id, 30), (user_id, 30)]


def test_an_attempt_that_lost_its_lease_has_reminded_nobody(runtime: Runtime) -> None:
    user_id = a_connected_user(runtime)
    let_authorisation_end_in(runtime.database, user_id, 20 * A_DAY)
    job_id = enqueued(runtime.database, RefreshExpiringTokens())
    attempt = claimed(runtime.database, job_id, RefreshExpiringTokens)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        tx.session.execute(text("UPDATE background_jobs SET lease_token = gen_random_uuid()"))
    with capture_logs() as logs, pytest.raises(FencedError):
        refresh_expiring_tokens(attempt, RefreshExpiringTokens())
    assert logs == []
    assert reminders(runtime.database) == []


def test_a_reminder_is_one_log_line_that_names_the_user_id_only(runtime: Runtime) -> None:
    user_id = a_connected_user(runtime)
    let_authorisation_end_in(runtime.database, user_id, 6.5 * A_DAY)
    with capture_logs() as logs:
        attempted(runtime, RefreshExpiringTokens())
        attempted(runtime, RefreshExpiringTokens())
    assert [line for line in logs if line["event"] == "reauthorization_reminder"] == [
        {
            "event": "reauthorization_reminder",
            "log_level": "info",
            "user_id": str(user_id),
            "days_before": 7,
            "days_left": 6,
        }
    ]


@pytest.mark.parametrize(
    ("days_left", "in_words"),
    [(29.5, "29 days"), (7.5, "7 days"), (2.5, "2 days"), (1.5, "1 day"), (0.5, "less than a day")],
)
def test_the_connection_says_how_long_it_lasts_and_what_to_do(
    client: TestClient, runtime: Runtime, days_left: float, in_words: str
) -> None:
    user_id = a_connected_user(runtime)
    let_authorisation_end_in(runtime.database, user_id, days_left * A_DAY)
    assert connection(client, user_id)["reminder"] is None
    attempted(runtime, RefreshExpiringTokens())
    shown = connection(client, user_id)
    assert shown["days_left"] == int(days_left)
    assert shown["reminder"] == (
        f"Spotify ends this connection in {in_words}. Connect Spotify again before then, "
        "or nothing more is recorded."
    )


def test_the_reminder_is_gone_after_consent_and_after_the_end(client: TestClient, runtime: Runtime) -> None:
    again, over = a_connected_user(runtime), a_connected_user(runtime)
    for user_id in (again, over):
        let_authorisation_end_in(runtime.database, user_id, 6.5 * A_DAY)
    attempted(runtime, RefreshExpiringTokens())
    authorise_again(runtime, again)
    let_authorisation_end_in(runtime.database, over, -A_MINUTE)
    assert connection(client, again)["reminder"] is None
    assert connection(client, over)["reminder"] is None


def test_what_has_ended_by_age_is_marked_by_the_schedule_without_a_call(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    over, lasting = a_connected_user(runtime, expires_in=60), a_connected_user(runtime)
    let_authorisation_end_in(runtime.database, over, -A_MINUTE)
    let_authorisation_end_in(runtime.database, lasting, 100 * A_DAY)
    with capture_logs() as logs:
        job = attempted(runtime, RefreshExpiringTokens())
    assert job.result == {"queued": 0, "reminded": 0, "ended": 1}
    assert [line["user_id"] for line in logs if line["event"] == "connection_ended"] == [str(over)]
    row = token_row(runtime.database, over)
    assert (row.status, row.sealed_access_token, row.sealed_refresh_token) == ("reauth_required", None, None)
    assert token_row(runtime.database, lasting).status == "connected"
    assert requests_made(pretend_spotify) == 0
    assert reminders(runtime.database) == []


@pytest.mark.parametrize("access_lasts", [0, 3600])
def test_what_has_ended_by_age_is_noticed_at_the_next_use_without_a_call(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify, access_lasts: int
) -> None:
    user_id = a_connected_user(runtime)
    let_access_end_in(runtime.database, user_id, access_lasts)
    let_authorisation_end_in(runtime.database, user_id, -A_MINUTE)
    with pytest.raises(ReauthRequiredError):
        runtime.tokens.current(user_id)
    assert token_row(runtime.database, user_id).status == "reauth_required"
    job = attempted(runtime, RefreshToken(user_id=user_id))
    assert (job.status, job.error_code) == ("failed", "spotify_reauth_required")
    assert requests_made(pretend_spotify) == 0


def test_nobody_is_reminded_of_what_is_over(runtime: Runtime) -> None:
    let_authorisation_end_in(runtime.database, a_connected_user(runtime), -A_MINUTE)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        assert remind(tx.session) == []


def test_who_waits_for_another_refresh_is_told_of_the_end_at_once(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    user_id = a_connected_user(runtime, expires_in=5)
    hold_lease_for(runtime.database, user_id, 600)
    let_authorisation_end_in(runtime.database, user_id, -A_MINUTE)
    with pytest.raises(ReauthRequiredError):
        runtime.tokens.renewed(user_id, seen_version=1)
    assert requests_made(pretend_spotify) == 0


def reminders(database: Database) -> list[tuple[UUID, int]]:
    """Whom, and for how many days before the end, in this order."""
    with database.transaction(acting_for=SYSTEM) as tx:
        statement = text("SELECT user_id, days_before FROM reauthorization_reminders ORDER BY 1, 2")
        return [(row.user_id, row.days_before) for row in tx.session.execute(statement)]


def connection(client: TestClient, user_id: UUID) -> dict[str, Any]:
    [shown] = client.get(f"/api/users/{user_id}/connections").json()
    assert isinstance(shown, dict)
    return shown


def authorise_again(runtime: Runtime, user_id: UUID) -> None:
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        store_tokens(
            tx,
            runtime.sealer,
            user_id,
            access_token=SecretStr("BQD-again"),
            refresh_token=SecretStr("AQC-again"),
            expires_in=3600,
        )
