"""Work for all connected listeners: one job each, spread over time instead of in one burst."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from spotify_insights.accounts.call_budget import CallBudget, Purpose
from spotify_insights.accounts.queries import connected_user_ids
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.without_success import owners_without_success
from spotify_insights.listening.due_polls import due_polls
from spotify_insights.listening.jobs import (
    IngestAllRanges,
    IngestAllUsersData,
    PollListener,
    PollRecentlyPlayed,
)
from spotify_insights.listening.weeks_to_tell import present

# Spotify's rate limit looks at 30 seconds, and an ingestion is a burst of some seven calls.
INGESTIONS_APART: Final = timedelta(seconds=30)
INGESTIONS_WITHIN: Final = timedelta(hours=2)
POLLS_APART: Final = timedelta(seconds=15)
# A round of the usual schedule is over before the next one begins.
POLLS_WITHIN: Final = timedelta(minutes=4)
AFTER_FAILURE: Final = timedelta(minutes=30)


def ingest_all_users_data(attempt: Attempt, _job: IngestAllUsersData) -> None:
    """Queue an ingestion of all ranges for every connected listener, one after the other."""
    with attempt.completion() as completion:
        listeners = connected_user_ids(completion.tx.session)
        delays = stagger(len(listeners), apart=INGESTIONS_APART, within=INGESTIONS_WITHIN)
        for user_id, delay in zip(listeners, delays, strict=True):
            enqueue(completion.tx, IngestAllRanges(user_id=user_id), parent_id=attempt.job_id, delay=delay)
        completion.result = {"listeners": len(listeners)}


def poll_recently_played(attempt: Attempt, _job: PollRecentlyPlayed, *, budget: CallBudget) -> None:
    """Queue a poll for every connected listener who is due, the most urgent first, as far as the calls go.

    The result says for how many there was no call left; a later round begins with them. Whoever could not be
    polled lately is left alone for a while: what is wrong with a connection costs a call each time.
    """
    with attempt.completion() as completion:
        session = completion.tx.session
        unlucky = owners_without_success(session, PollListener.task_name, within=AFTER_FAILURE)
        due = due_polls(
            session,
            [user_id for user_id in connected_user_ids(session) if user_id not in unlucky],
            moment=present(session),
            room=budget.room(session, purpose=Purpose.BACKGROUND),
        )
        delays = stagger(len(due.polled), apart=POLLS_APART, within=POLLS_WITHIN)
        for user_id, delay in zip(due.polled, delays, strict=True):
            enqueue(completion.tx, PollListener(user_id=user_id), parent_id=attempt.job_id, delay=delay)
        completion.result = {"queued": len(due.polled), "skipped": due.skipped}


def stagger(number: int, *, apart: timedelta, within: timedelta) -> Sequence[timedelta]:
    """So many delays from zero on: `apart` each, or closer where they would not all begin `within`."""
    distance = min(apart, within / max(number, 1))
    return [index * distance for index in range(number)]
