"""Packing again what is missing, and what was packed before more was known."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.cache.cache import Cache
from spotify_insights.cache.keys import listener_scope
from spotify_insights.database.database import Transaction
from spotify_insights.jobs.attempt import Attempt
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.listening.blocks.jobs import RefreshHistories, RefreshHistory
from spotify_insights.listening.blocks.refresh import refresh_blocks, refresh_tracks
from spotify_insights.listening.hold_history import hold_history

# So many in an hour are some minutes of work; the rest is served meanwhile, if slower. In any order:
# those who are always among the first to be marked would keep others waiting for good.
_MOST: Final = 500
_TO_REFRESH: Final = text("""
    SELECT u.id FROM users u LEFT JOIN packed_histories h ON h.user_id = u.id
     WHERE u.erasing_since IS NULL
       AND (h.is_stale OR (h.user_id IS NULL AND EXISTS (SELECT FROM plays p WHERE p.user_id = u.id)))
     ORDER BY random() LIMIT :most
""")
_IS_STALE: Final = text("SELECT is_stale FROM packed_histories WHERE user_id = :user_id")
# Those that are marked already, too: somebody may be refreshing them, from what was known a moment ago.
_MARK: Final = text("""
    UPDATE packed_histories SET is_stale = true
     WHERE user_id IN (
           SELECT p.user_id FROM plays p WHERE p.track_id = ANY(CAST(:track_ids AS bigint[])))
""")
_MARK_RETOLD: Final = text("""
    UPDATE packed_histories SET is_stale = true
     WHERE user_id IN (
           SELECT p.user_id FROM plays p JOIN tracks t ON t.id = p.track_id
            WHERE t.id = ANY(CAST(:track_ids AS bigint[])) AND t.updated_at >= transaction_timestamp())
""")
_MARK_ALL: Final = text("UPDATE packed_histories SET is_stale = true")


def refresh_history(attempt: Attempt, job: RefreshHistory, *, cache: Cache) -> None:
    """Make the blocks of one listener say what is known now.

    Raises:
        HistoryBusyError: somebody else is changing the history.
    """
    with attempt.completion() as completion:
        session = completion.tx.session
        hold_history(session, job.user_id)
        if session.scalar(_IS_STALE, {"user_id": job.user_id}) is None:
            refresh_blocks(session, job.user_id)
        else:
            refresh_tracks(session, job.user_id)
        cache.invalidate(completion.tx, [listener_scope(job.user_id)])


def refresh_histories(attempt: Attempt, _job: RefreshHistories) -> None:
    """Queue a refresh for each listener who needs one; the result says for how many."""
    with attempt.completion() as completion:
        listeners = completion.tx.session.scalars(_TO_REFRESH, {"most": _MOST}).all()
        for user_id in listeners:
            enqueue(completion.tx, RefreshHistory(user_id=user_id), parent_id=attempt.job_id)
        completion.result = {"listeners": len(listeners)}


def mark_stale(tx: Transaction, track_ids: Sequence[int] | None) -> None:
    """Note that more is known about these tracks, or about any (None); the next refresh tells it.

    To be done as the system, which sees who plays them.
    """
    if track_ids is None:
        tx.session.execute(_MARK_ALL)
    else:
        tx.session.execute(_MARK, {"track_ids": list(track_ids)})


def mark_retold(session: Session, track_ids: Sequence[int]) -> None:
    """Note which histories hold those of these tracks of which this transaction has told something else.

    To be called before it stores plays: then a track that is new has none, and is described with them. Acting
    for a listener it reaches their own history; others hear of it with their own next refresh.
    """
    session.execute(_MARK_RETOLD, {"track_ids": list(track_ids)})
