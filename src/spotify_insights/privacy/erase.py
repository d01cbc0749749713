"""Deleting everything about a user who asked for it: in batches what is much, the rest with the user."""

import json
from collections.abc import Callable
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.accounts.people import end_links_made_by
from spotify_insights.audit.event import AuditEvent
from spotify_insights.audit.record import AuditLog
from spotify_insights.cache.cache import Cache
from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Transaction
from spotify_insights.idempotency.privacy import forget_answers
from spotify_insights.insights.privacy import insight_ids_of
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.privacy import cancel_jobs_of, forget_requester, job_ids_of
from spotify_insights.listening.forget import forget_plays, forget_snapshots
from spotify_insights.privacy.inventory import INVENTORY
from spotify_insights.privacy.jobs import EraseUser
from spotify_insights.storage.purge import drop_chunks_of

BATCH: Final = 1000

_FIND: Final = text("SELECT user_id, counts FROM erasures WHERE id = :id")
_COUNT: Final = text("""
    UPDATE erasures SET counts = counts || jsonb_build_object(
           CAST(:name AS text), coalesce((counts ->> :name)::bigint, 0) + CAST(:rows AS bigint))
     WHERE id = :id
""")
# Whoever makes a link at this moment holds the user's row: afterwards it is there, or there can be none.
_LOCK_USER: Final = text("SELECT FROM users WHERE id = :user_id FOR UPDATE")
_DELETE_USER: Final = text("DELETE FROM users WHERE id = :user_id")
_FINISH: Final = text("""
    UPDATE erasures SET user_id = NULL, finished_at = clock_timestamp(), counts = CAST(:counts AS jsonb)
     WHERE id = :id
""")

# What a batch deletes of whom; the number of rows.
_Delete = Callable[[Transaction, UUID], int]


def erase_user(
    attempt: Attempt, job: EraseUser, *, audit: AuditLog, cache: Cache, batch: int = BATCH
) -> None:
    """Delete every row, Redis key and stored file of the user; keep a tombstone that names nobody.

    An attempt that is killed loses nothing: the next one goes on with what is left. Once the user is gone,
    running it again changes nothing.

    Raises: as `Attempt.step`.
    """
    with attempt.step() as tx:
        erasure = tx.session.execute(_FIND, {"id": job.erasure_id}).one_or_none()
        if erasure is not None and erasure.user_id is not None:
            # What slipped in between the request and its end stores nothing more.
            cancel_jobs_of(tx.session, erasure.user_id)
    if erasure is None or erasure.user_id is None:
        with attempt.completion() as completion:
            completion.result = {} if erasure is None else dict(erasure.counts)
        return
    user_id: UUID = erasure.user_id

    def plays(tx: Transaction, user_id: UUID) -> int:
        return forget_plays(tx.session, user_id, batch=batch).rows

    def snapshots(tx: Transaction, user_id: UUID) -> int:
        insights = insight_ids_of(tx.session, user_id)
        gone = forget_snapshots(tx.session, user_id, batch=batch).rows
        lost = insights - insight_ids_of(tx.session, user_id)
        _count(tx.session, job.erasure_id, "generated_insights", len(lost))
        tx.at_end(lambda: cache.forget(lost))
        return gone

    def chunks(tx: Transaction, user_id: UUID) -> int:
        return drop_chunks_of(tx.session, user_id)

    _in_batches(attempt, job, user_id, "plays", plays)
    _in_batches(attempt, job, user_id, "listening_snapshots", snapshots)
    _in_batches(attempt, job, user_id, "stored_file_chunks", chunks)
    with attempt.completion() as completion:
        completion.result = _finish(completion.tx, job.erasure_id, user_id, audit=audit, cache=cache)


def _in_batches(attempt: Attempt, job: EraseUser, user_id: UUID, name: str, delete: _Delete) -> None:
    rows = -1
    while rows:
        with attempt.step() as tx:
            rows = delete(tx, user_id)
            _count(tx.session, job.erasure_id, name, rows)


def _count(session: Session, erasure_id: UUID, name: str, rows: int) -> None:
    if rows:
        session.execute(_COUNT, {"id": erasure_id, "name": name, "rows": rows})


def _finish(
    tx: Transaction, erasure_id: UUID, user_id: UUID, *, audit: AuditLog, cache: Cache
) -> dict[str, int]:
    """Delete what is left together with the user; how many rows of which table there were in all."""
    session = tx.session
    session.execute(_LOCK_USER, {"user_id": user_id})
    counted = session.execute(_FIND, {"id": erasure_id}).one().counts
    ids = {user_id, *job_ids_of(session, user_id), *insight_ids_of(session, user_id)}
    counts: dict[str, int] = {
        table.name: table.count(session, user_id) + int(counted.get(table.name, 0))
        for table in INVENTORY
        if not table.by_pseudonym and not table.derived and table.name != "erasures"
    }
    forget_answers(session, user_id)
    forget_requester(session, user_id)
    # Made by a request that had begun before the mark. Without a maker, they would look as if made by nobody.
    end_links_made_by(tx, user_id)
    session.execute(_DELETE_USER, {"user_id": user_id})
    session.execute(_FINISH, {"id": erasure_id, "counts": json.dumps(counts)})
    audit.record(tx, AuditEvent.ERASED, actor=SYSTEM, subject=user_id, details={"rows": sum(counts.values())})
    tx.at_end(lambda: cache.forget(ids))
    return counts
