"""Asking for an ingestion: joined where one is under way, refused where Spotify could not be asked."""

from uuid import UUID, uuid4

import pytest

from ingestions import a_listener, ingest
from jobs_inline import queued_jobs
from makers import a_user
from spotify_insights.database.actor import Actor
from spotify_insights.errors import ConflictError, NotFoundError
from spotify_insights.listening.request import request_ingestion
from spotify_insights.listening.time_range import TimeRange
from spotify_insights.pretend_spotify.running import RunningPretendSpotify
from spotify_insights.runtime import Runtime
from stored_tokens import let_access_end_in, token_row


def test_an_ingestion_that_waits_is_joined_and_a_finished_one_is_not(runtime: Runtime) -> None:
    user_id = a_listener(runtime)
    asked = {request(runtime, user_id, time_range) for time_range in TimeRange for _ in range(2)}
    assert len(asked) == len(queued_jobs(runtime.database)) == len(TimeRange)
    finished = ingest(runtime, user_id)
    assert finished.id in asked
    assert request(runtime, user_id) not in asked


def test_nobody_is_not_ingested(runtime: Runtime) -> None:
    with pytest.raises(NotFoundError) as refusal:
        request(runtime, uuid4())
    assert refusal.value.message == "There is no such user."


def test_without_a_connection_the_tokens_are_asked_for(runtime: Runtime) -> None:
    with pytest.raises(ConflictError) as refusal:
        request(runtime, a_user(runtime))
    assert refusal.value.message == ("This listener is not connected to Spotify. Store their tokens first.")


def test_an_ended_connection_is_refused_before_a_job_is_made(
    runtime: Runtime, pretend_spotify: RunningPretendSpotify
) -> None:
    user_id = a_listener(runtime)
    runtime.tokens.renewed(user_id, seen_version=1)
    pretend_spotify.control.revoke()
    let_access_end_in(runtime.database, user_id, 0)
    assert ingest(runtime, user_id).status == "failed"
    assert token_row(runtime.database, user_id).status == "reauth_required"
    with pytest.raises(ConflictError) as refusal:
        request(runtime, user_id)
    assert refusal.value.message == (
        "The connection to Spotify has ended. The listener has to authorise it again."
    )
    assert queued_jobs(runtime.database) == []


def request(runtime: Runtime, user_id: UUID, time_range: TimeRange = TimeRange.SHORT_TERM) -> UUID:
    with runtime.database.transaction(acting_for=Actor.listener(user_id)) as tx:
        return request_ingestion(tx, user_id, time_range)
