"""One listener's weekly summary: the snapshot of the week and the letter about it, stored together."""

from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.accounts.queries import timezone_of
from spotify_insights.cache.cache import Cache
from spotify_insights.cache.keys import listener_scope
from spotify_insights.insights.evidence.week import MIN_PLAYS
from spotify_insights.insights.jobs import GenerateWeeklySummary
from spotify_insights.insights.narrators.narrator import Narrator
from spotify_insights.insights.queries import insight_with_fingerprint
from spotify_insights.insights.types import InsightType, ToneMode
from spotify_insights.insights.versions import Place, make_current, store_version
from spotify_insights.insights.write import written_truthfully
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.listening.analytics.play_rule import PlayRule
from spotify_insights.listening.calendar_period import calendar_period, day_end
from spotify_insights.listening.load_heard import load_heard
from spotify_insights.listening.snapshot import Snapshot
from spotify_insights.listening.store_snapshot import store_snapshot
from spotify_insights.listening.take_calendar_snapshot import take_calendar_snapshot
from spotify_insights.listening.time_range import CalendarRange
from spotify_insights.listening.wait_for_purge import wait_for_purge
from spotify_insights.listening.week import Week
from spotify_insights.listening.weeks_to_tell import present

NOT_OVER: Final = "The week has not ended yet where the listener is."
NO_PLAYS: Final = "There are no plays on record for this week."
TOO_FEW_PLAYS: Final = f"There are too few plays for a letter, which needs {MIN_PLAYS}."

_PREFERRED_TONE: Final = text("SELECT preferences ->> 'tone_mode' FROM users WHERE id = :user_id")


@dataclass(frozen=True)
class _Reader:
    """Where a listener is, and the voice in which they want to be written to."""

    timezone: str
    tone: ToneMode

    @classmethod
    def of(cls, session: Session, user_id: UUID) -> Self:
        timezone = timezone_of(session, user_id)
        preferred = session.scalar(_PREFERRED_TONE, {"user_id": user_id})
        return cls(timezone, ToneMode(preferred) if preferred in set(ToneMode) else ToneMode.NEUTRAL)


def generate_weekly_summary(
    attempt: Attempt,
    job: GenerateWeeklySummary,
    *,
    narrator: Narrator,
    cache: Cache,
    play_rule: PlayRule,
) -> None:
    """Take and store the snapshot of the week; write the letter about it where there is enough to tell.

    The preference `tone_mode` chooses the voice, `play_rule` what counts as a play. Without a letter the
    result gives the `reason`. Running it again on the same plays gives the same letter; on other plays, or
    counted by another rule, a version that supersedes it.

    Args:
        play_rule: what counts as a play where the listener prefers nothing else.

    Raises:
        PurgePendingError: what an earlier connection brought is still being deleted.
        NotFoundError: the listener is gone.
        UngroundedError: the text would not have been true; nothing is stored.
    """
    wait_for_purge(attempt, job.user_id)
    week = Week(job.week_ends_on)
    with attempt.database.transaction(acting_for=attempt.actor) as tx:
        reader = _Reader.of(tx.session, job.user_id)
        period = calendar_period(CalendarRange.WEEK, week.ends_on, timezone=reader.timezone)
        # A listener who has moved westwards since may have some of this Saturday still before them.
        is_over = day_end(week.ends_on, timezone=reader.timezone) <= present(tx.session)
        heard = load_heard(tx.session, job.user_id, default_rule=play_rule)
    snapshot = take_calendar_snapshot(heard, period, CalendarRange.WEEK)
    if not is_over or snapshot.rhythm is None:
        with attempt.completion() as completion:
            completion.result = {"insight_id": None, "reason": NO_PLAYS if is_over else NOT_OVER}
        return

    if snapshot.rhythm.plays < MIN_PLAYS:
        with attempt.completion() as completion:
            cache.invalidate(completion.tx, [listener_scope(job.user_id)])
            snapshot_id = store_snapshot(completion.tx.session, job.user_id, snapshot)
            completion.result = {
                "insight_id": None,
                "reason": TOO_FEW_PLAYS,
                "snapshot_id": str(snapshot_id),
            }
        return
    _store_letter(attempt, job.user_id, snapshot, reader.tone, narrator=narrator, cache=cache)


def _store_letter(
    attempt: Attempt,
    user_id: UUID,
    snapshot: Snapshot,
    tone: ToneMode,
    *,
    narrator: Narrator,
    cache: Cache,
) -> None:
    written = written_truthfully(user_id, snapshot, InsightType.WEEKLY, tone, narrator=narrator)
    with attempt.completion() as completion:
        session = completion.tx.session
        snapshot_id = store_snapshot(session, user_id, snapshot)
        place = Place(user_id, snapshot_id, InsightType.WEEKLY, tone)
        known = insight_with_fingerprint(session, user_id, written["fingerprint"])
        if known is None:
            insight_id = store_version(completion.tx, cache, place, written)
        else:
            insight_id = known
            make_current(completion.tx, cache, place, known)
        completion.result = {
            "insight_id": str(insight_id),
            "reused": known is not None,
            "snapshot_id": str(snapshot_id),
        }
