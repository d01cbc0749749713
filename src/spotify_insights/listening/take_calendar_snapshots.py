"""One listener's snapshots of month, year and all time, for one day."""

from typing import Final

from spotify_insights.accounts.queries import timezone_of
from spotify_insights.cache.cache import Cache
from spotify_insights.cache.keys import listener_scope
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.listening.analytics.play_rule import PlayRule
from spotify_insights.listening.calendar_period import calendar_period, local_day
from spotify_insights.listening.jobs import TakeCalendarSnapshots
from spotify_insights.listening.load_heard import load_heard
from spotify_insights.listening.store_snapshot import drop_snapshot, store_snapshot
from spotify_insights.listening.take_calendar_snapshot import take_calendar_snapshot
from spotify_insights.listening.time_range import DAILY_RANGES, CalendarRange
from spotify_insights.listening.wait_for_purge import wait_for_purge
from spotify_insights.listening.weeks_to_tell import present

NO_PLAYS: Final = "There are no plays on record for this period."


def take_calendar_snapshots(
    attempt: Attempt, job: TakeCalendarSnapshots, *, cache: Cache, play_rule: PlayRule
) -> None:
    """Compute and store the snapshots from the plays that we hold. Nobody is asked anything.

    Running it again for one day updates the same rows: on the same plays, counted by the same rule, with
    the same content. A range without plays has no row; one that told of plays that are gone is deleted. The
    result names one range's snapshot as `snapshot_id`, several by their range as `snapshot_ids`; without any
    it gives the `reason`.

    Args:
        play_rule: what counts as a play where the listener prefers nothing else.

    Raises:
        PurgePendingError: what an earlier connection brought is still being deleted.
        NotFoundError: the listener is gone.
    """
    wait_for_purge(attempt, job.user_id)
    ranges = DAILY_RANGES if job.time_range is None else (job.time_range,)
    with attempt.database.transaction(acting_for=attempt.actor) as tx:
        timezone = timezone_of(tx.session, job.user_id)
        last_day = job.last_day or local_day(timezone, present(tx.session))
        heard = load_heard(tx.session, job.user_id, default_rule=play_rule)
    snapshots = {
        time_range: take_calendar_snapshot(
            heard, calendar_period(time_range, last_day, timezone=timezone), time_range
        )
        for time_range in ranges
    }
    with attempt.completion() as completion:
        session = completion.tx.session
        cache.invalidate(completion.tx, [listener_scope(job.user_id)])
        stored: dict[CalendarRange, str] = {}
        for time_range, snapshot in snapshots.items():
            if snapshot.rhythm is not None:
                stored[time_range] = str(store_snapshot(session, job.user_id, snapshot))
            else:
                drop_snapshot(session, job.user_id, last_day, time_range)
        reason = {} if stored else {"reason": NO_PLAYS}
        if job.time_range is None:
            completion.result = {"snapshot_ids": {str(name): key for name, key in stored.items()}, **reason}
        else:
            completion.result = {"snapshot_id": stored.get(job.time_range), **reason}
