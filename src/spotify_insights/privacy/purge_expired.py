"""Deleting every day what nobody has a reason to keep any longer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from sqlalchemy import TextClause, text

from spotify_insights.access import privacy as access
from spotify_insights.database.database import Transaction, rows_changed
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.jobs.requeue import UNSUCCESSFUL, requeue_jobs
from spotify_insights.listening.forget import forget_old_plays, forget_unplayed_tracks
from spotify_insights.listening.imports.unwanted_uploads import expire_unwanted_uploads
from spotify_insights.listening.jobs import PurgeDisconnectedData
from spotify_insights.privacy.jobs import EraseUser, PurgeExpiredData
from spotify_insights.settings import Settings
from spotify_insights.sign_in import privacy as sign_in
from spotify_insights.storage.purge import purge_expired_files

BATCH: Final = 1000
# What is left after so many batches of a kind is for the next day, well within the time limit.
MOST_BATCHES: Final = 500

_USAGE: Final = text("""
    DELETE FROM daily_usage WHERE (user_id, day, kind) IN (
           SELECT user_id, day, kind FROM daily_usage
            WHERE day < (clock_timestamp() AT TIME ZONE 'UTC')::date - 90 LIMIT :batch FOR UPDATE SKIP LOCKED)
""")
_AUDIT: Final = text("SELECT purge_audit_log(clock_timestamp() - make_interval(days => :days), :batch)")
_UNFINISHED: Final = text("SELECT id FROM erasures WHERE user_id IS NOT NULL ORDER BY id")

# Deletes one batch; how many rows.
_Purge = Callable[[Transaction], int]


@dataclass(frozen=True)
class PersonalRetention:
    """Days after which personal data is forgotten.

    Args:
        audit_days: records of the audit log; thirty at least, whatever is said here.
        plays_days: plays, counted from their end; None keeps them for ever.
    """

    audit_days: int
    plays_days: int | None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls(audit_days=settings.audit_retention_days, plays_days=settings.plays_retention_days)


def purge_expired_data(
    attempt: Attempt, _job: PurgeExpiredData, *, retention: PersonalRetention, batch: int = BATCH
) -> None:
    """Delete what is too old, `batch` rows at a time and in a transaction of their own.

    Erasures whose job gave up are queued again, and so are purges after a disconnect that ended without
    success. Safe to repeat and to run several times at once.

    Raises: as `Attempt.step`.
    """
    deleted = {name: _in_batches(attempt, purge) for name, purge in _purges(retention, batch).items()}
    with attempt.completion() as completion:
        unfinished = completion.tx.session.scalars(_UNFINISHED).all()
        for erasure_id in unfinished:
            enqueue(completion.tx, EraseUser(erasure_id=erasure_id))
        purges = sum(
            requeue_jobs(completion.tx, status=status, task_name=PurgeDisconnectedData.task_name)
            for status in UNSUCCESSFUL
        )
        completion.result = {
            **deleted,
            "unfinished_erasures": len(unfinished),
            "unfinished_purges": purges,
        }


def _purges(retention: PersonalRetention, batch: int) -> Mapping[str, _Purge]:
    purges = {name: _statement(statement, batch) for name, statement in access.EXPIRED.items()}
    purges |= {name: _statement(statement, batch) for name, statement in sign_in.EXPIRED.items()}
    purges["unwanted_uploads"] = lambda tx: len(expire_unwanted_uploads(tx.session))
    purges["stored_files"] = lambda tx: purge_expired_files(tx.session)
    purges["unplayed_tracks"] = lambda tx: forget_unplayed_tracks(tx.session, batch=batch)
    purges["daily_usage"] = _statement(_USAGE, batch)
    purges["audit_log"] = lambda tx: tx.session.scalars(
        _AUDIT, {"days": retention.audit_days, "batch": batch}
    ).one()
    days = retention.plays_days
    if days is not None:
        purges["plays"] = lambda tx: forget_old_plays(tx.session, days=days, batch=batch).rows
    return purges


def _statement(statement: TextClause, batch: int) -> _Purge:
    return lambda tx: rows_changed(tx.session, statement, {"batch": batch})


def _in_batches(attempt: Attempt, purge: _Purge) -> int:
    deleted = 0
    for _ in range(MOST_BATCHES):
        with attempt.step() as tx:
            rows = purge(tx)
        if rows == 0:
            break
        deleted += rows
    return deleted
