"""The hourly slot of calendar snapshots: everybody whose day has just become the past."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.errors import InvalidInputError
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.given_up import without_asked_for
from spotify_insights.listening.analytics.play_rule import PlayRule
from spotify_insights.listening.calendar_period import day_end, settled_day
from spotify_insights.listening.everybody import stagger
from spotify_insights.listening.jobs import TakeCalendarSnapshots, TakeEverybodysCalendarSnapshots
from spotify_insights.listening.may_count import MAY_COUNT
from spotify_insights.listening.weeks_to_tell import present
from spotify_insights.observability import get_logger

_log = get_logger(__name__)

# Half a million plays take seconds; in between there is time for whoever waits.
_APART: Final = timedelta(seconds=1)
# All are due before the next slot looks again.
_WITHIN: Final = timedelta(minutes=50)

_ZONES: Final = text("SELECT DISTINCT timezone FROM users ORDER BY timezone")
_LISTENERS: Final = text(f"""
    SELECT u.id, ended.day
      FROM unnest(CAST(:zones AS text[]), CAST(:until AS timestamptz[]), CAST(:days AS date[]))
           AS ended (zone, until, day)
      JOIN users u ON u.timezone = ended.zone
     WHERE u.erasing_since IS NULL
       AND EXISTS (SELECT FROM plays p WHERE p.user_id = u.id AND p.ended_at < ended.until AND {MAY_COUNT})
     ORDER BY u.id
""")  # noqa: S608  # only constants are put together


def take_everybodys_calendar_snapshots(
    attempt: Attempt, _job: TakeEverybodysCalendarSnapshots, *, play_rule: PlayRule
) -> None:
    """Queue the snapshots of the last day that is settled for each listener with plays; see `settled_day`.

    Safe to repeat at any moment: whoever was asked about a day is not asked again, whatever came of it.

    Args:
        play_rule: what counts as a play where a listener prefers nothing else.
    """
    with attempt.completion() as completion:
        session = completion.tx.session
        wanted = without_asked_for(session, _snapshots_due(session, present(session), play_rule))
        delays = stagger(len(wanted), apart=_APART, within=_WITHIN)
        for job, delay in zip(wanted, delays, strict=True):
            enqueue(completion.tx, job, parent_id=attempt.job_id, delay=delay)
        completion.result = {"listeners": len(wanted)}


def _snapshots_due(session: Session, moment: datetime, default_rule: PlayRule) -> list[TakeCalendarSnapshots]:
    zones, until, days = [], [], []
    for zone in session.scalars(_ZONES):
        try:
            day = settled_day(zone, moment)
            end = day_end(day, timezone=zone)
        except InvalidInputError:
            # A row from another version must not keep everybody else from their snapshots.
            _log.warning("timezone_unknown", timezone=zone)
            continue
        zones.append(zone)
        until.append(end)
        days.append(day)
    found = session.execute(
        _LISTENERS, {"zones": zones, "until": until, "days": days, "default_rule": default_rule}
    )
    return [TakeCalendarSnapshots(user_id=user_id, last_day=day) for user_id, day in found]
