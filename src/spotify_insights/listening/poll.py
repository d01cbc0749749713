"""Polling what one listener played lately: Spotify tells the last 50 plays only, so it is asked often."""

from typing import Any

from spotify_insights.accounts.call_budget import CallBudgetSpentError, Purpose
from spotify_insights.cache.cache import Cache
from spotify_insights.cache.keys import listener_scope
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.listening.fetch import RecentPlays, SpotifySource
from spotify_insights.listening.gaps import Gap
from spotify_insights.listening.hold_history import wait_for_history
from spotify_insights.listening.jobs import PollListener
from spotify_insights.listening.store_fetched import store_fetched
from spotify_insights.listening.wait_for_purge import wait_for_purge
from spotify_insights.observability import get_logger

_log = get_logger(__name__)


def poll_listener(attempt: Attempt, job: PollListener, *, source: SpotifySource, cache: Cache) -> None:
    """Fetch the latest plays, store those we do not hold, and plan the next poll.

    The result has the number of new plays and, where plays before them are missing, `gap`.
    A poll for which the day has no call left ends without one and says so: a later round makes up for it.

    Raises: as `wait_for_purge`, `wait_for_history` and `ListenerSpotify.ask`, but for the used-up budget.
    """
    wait_for_purge(attempt, job.user_id)
    wait_for_history(attempt, job.user_id)
    try:
        recent = _recent_plays(job, source)
    except CallBudgetSpentError as spent:
        with attempt.completion() as completion:
            completion.result = {"skipped": spent.message}
        return
    with attempt.completion() as completion:
        cache.invalidate(completion.tx, [listener_scope(job.user_id)])
        stored = store_fetched(completion.tx.session, job.user_id, recent)
        completion.result = {"new_plays": stored.new_plays, **_shown(stored.gap)}
    if stored.gap is not None:
        _log.warning("listening_gap_found")


def _shown(gap: Gap | None) -> dict[str, Any]:
    if gap is None:
        return {}
    since = None if gap.since is None else gap.since.isoformat()
    return {"gap": {"since": since, "until": gap.until.isoformat()}}


def _recent_plays(job: PollListener, source: SpotifySource) -> RecentPlays:
    with source.listener(job.user_id, calls=1, purpose=Purpose.BACKGROUND) as listener:
        return listener.recently_played()
