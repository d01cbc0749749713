"""The jobs that keep connections alive."""

from datetime import timedelta
from typing import Final

from sqlalchemy import text

from spotify_insights.accounts.access import AccessTokens
from spotify_insights.accounts.call_budget import Purpose
from spotify_insights.accounts.jobs import RefreshExpiringTokens, RefreshToken
from spotify_insights.accounts.reauthorization import end_overdue_connections, remind
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.observability import get_logger

_log = get_logger(__name__)

# The schedule runs every half hour: a token that lives longer than this is met again in time.
ENDS_SOON: Final = timedelta(minutes=35)

_EXPIRING: Final = text("""
    SELECT user_id FROM spotify_tokens
     WHERE status = 'connected' AND expires_at < clock_timestamp() + :soon
     ORDER BY user_id
""")


def refresh_token(attempt: Attempt, job: RefreshToken, *, tokens: AccessTokens) -> None:
    """Make sure the listener's access token outlives the next half hour.

    Raises: as `AccessTokens.current`.
    """
    access = tokens.current(job.user_id, good_for=ENDS_SOON, purpose=Purpose.BACKGROUND)
    with attempt.completion() as completion:
        completion.result = {"expires_at": access.expires_at.isoformat()}


def refresh_expiring_tokens(attempt: Attempt, _job: RefreshExpiringTokens) -> None:
    """Queue one `RefreshToken` for each token that ends before the next run; remind of what ends for good.

    Connections whose six months are over are marked here; they are neither refreshed nor reminded of.
    """
    with attempt.completion() as completion:
        session = completion.tx.session
        ended = end_overdue_connections(session)
        reminders = remind(session)
        expiring = session.scalars(_EXPIRING, {"soon": ENDS_SOON}).all()
        for user_id in expiring:
            enqueue(completion.tx, RefreshToken(user_id=user_id), parent_id=attempt.job_id)
        completion.result = {"queued": len(expiring), "reminded": len(reminders), "ended": len(ended)}
    # Only now are they stored: an attempt that lost its lease has told nobody anything.
    for reminder in reminders:
        _log.info(
            "reauthorization_reminder",
            user_id=str(reminder.user_id),
            days_before=reminder.days_before,
            days_left=reminder.days_left,
        )
    for user_id in ended:
        _log.info("connection_ended", user_id=str(user_id))
