"""Polling what one listener played lately: Spotify tells the last 50 plays only, so it is asked often."""

from spotify_insights.accounts.call_budget import CallBudgetSpentError, Purpose
from spotify_insights.cache.cache import Cache
from spotify_insights.cache.keys import listener_scope
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.listening.fetch import RecentPlays, SpotifySource
from spotify_insights.listening.jobs import PollListener
from spotify_insights.listening.store_fetched import store_fetched
from spotify_insights.listening.wait_for_purge import wait_for_purge


def poll_listener(attempt: Attempt, job: PollListener, *, source: SpotifySource, cache: Cache) -> None:
    """Fetch the latest plays and store those we do not hold.

    A poll for which the day has no call left ends without one and says so: the next day begins with it.

    Raises: as `wait_for_purge` and `ListenerSpotify.ask`, but for the used-up budget.
    """
    wait_for_purge(attempt, job.user_id)
    try:
        recent = _recent_plays(job, source)
    except CallBudgetSpentError as spent:
        with attempt.completion() as completion:
            completion.result = {"skipped": spent.message}
        return
    with attempt.completion() as completion:
        cache.invalidate(completion.tx, [listener_scope(job.user_id)])
        new_plays = store_fetched(completion.tx.session, job.user_id, recent)
        completion.result = {"new_plays": new_plays}


def _recent_plays(job: PollListener, source: SpotifySource) -> RecentPlays:
    with source.listener(job.user_id, calls=1, purpose=Purpose.BACKGROUND) as listener:
        return listener.recently_played()
