"""Work for all connected listeners: one job each, spread over time instead of in one burst."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from spotify_insights.accounts.call_budget import CallBudget, Purpose
from spotify_insights.accounts.queries import connected_user_ids
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.listening.jobs import (
    IngestAllRanges,
    IngestAllUsersData,
    PollListener,
    PollRecentlyPlayed,
)
from spotify_insights.listening.models import RecentlyPlayedPoll

# Spotify's rate limit looks at 30 seconds, and an ingestion is a burst of some seven calls.
INGESTIONS_APART: Final = timedelta(seconds=30)
INGESTIONS_WITHIN: Final = timedelta(hours=2)
POLLS_APART: Final = timedelta(seconds=15)
# A round of the usual schedule is over before the next one begins.
POLLS_WITHIN: Final = timedelta(minutes=20)

_LONG_AGO: Final = datetime(1, 1, 1, tzinfo=UTC)


def ingest_all_users_data(attempt: Attempt, _job: IngestAllUsersData) -> None:
    """Queue an ingestion of all ranges for every connected listener, one after the other."""
    with attempt.completion() as completion:
        listeners = connected_user_ids(completion.tx.session)
        delays = stagger(len(listeners), apart=INGESTIONS_APART, within=INGESTIONS_WITHIN)
        for user_id, delay in zip(listeners, delays, strict=True):
            enqueue(completion.tx, IngestAllRanges(user_id=user_id), parent_id=attempt.job_id, delay=delay)
        completion.result = {"listeners": len(listeners)}


def poll_recently_played(attempt: Attempt, _job: PollRecentlyPlayed, *, budget: CallBudget) -> None:
    """Queue a poll for every connected listener, the longest unpolled first, as far as the day's calls go.

    The result says for how many there was no call left; the next round begins with them.
    """
    with attempt.completion() as completion:
        session = completion.tx.session
        listeners = longest_unpolled_first(session, connected_user_ids(session))
        polled = listeners[: budget.room(session, purpose=Purpose.BACKGROUND)]
        delays = stagger(len(polled), apart=POLLS_APART, within=POLLS_WITHIN)
        for user_id, delay in zip(polled, delays, strict=True):
            enqueue(completion.tx, PollListener(user_id=user_id), parent_id=attempt.job_id, delay=delay)
        completion.result = {"queued": len(polled), "skipped": len(listeners) - len(polled)}


def longest_unpolled_first(session: Session, user_ids: Sequence[UUID]) -> Sequence[UUID]:
    """The same listeners, those first whose plays were never or least recently asked for."""
    polls = session.execute(
        select(RecentlyPlayedPoll.user_id, RecentlyPlayedPoll.polled_at).where(
            RecentlyPlayedPoll.user_id.in_(user_ids)
        )
    )
    polled_at = {row.user_id: row.polled_at for row in polls}
    return sorted(user_ids, key=lambda user_id: polled_at.get(user_id, _LONG_AGO))


def stagger(number: int, *, apart: timedelta, within: timedelta) -> Sequence[timedelta]:
    """So many delays from zero on: `apart` each, or closer where they would not all begin `within`."""
    distance = min(apart, within / max(number, 1))
    return [index * distance for index in range(number)]
