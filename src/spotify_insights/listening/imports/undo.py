"""Undoing one import, as if it had never been."""

from typing import Final
from uuid import UUID

from sqlalchemy import text

from spotify_insights.database.actor import SYSTEM
from spotify_insights.database.database import Transaction, rows_changed
from spotify_insights.database.planning import without_nested_loops
from spotify_insights.errors import NotFoundError
from spotify_insights.jobs.enqueue import enqueue
from spotify_insights.listening.blocks.refresh import refresh_blocks
from spotify_insights.listening.forget import forget_tracks
from spotify_insights.listening.hold_history import hold_history
from spotify_insights.listening.jobs import TakeCalendarSnapshots
from spotify_insights.listening.supersede import mark_superseded, mark_superseded_spoken

_FIND: Final = text("SELECT id FROM imports WHERE id = :import_id AND user_id = :user_id FOR UPDATE")
# What another import tells, too, stays for its sake. One by one: ranges would be compared with every play.
_ONLY_HERE: Final = """
    SELECT generate_series(lower(ids), upper(ids) - 1) FROM (
           SELECT unnest(range_agg(b.{column})
                         - coalesce((SELECT range_agg(other.{column}) FROM import_batches other
                                      WHERE other.user_id = :user_id AND other.import_id <> :import_id),
                                    '{{}}')) AS ids
             FROM import_batches b WHERE b.import_id = :import_id AND b.user_id = :user_id) gone
"""
_DROP_PLAYS: Final = text(f"""
    DELETE FROM plays
     WHERE user_id = :user_id AND id IN ({_ONLY_HERE.format(column="plays")})
 RETURNING track_id
""")  # noqa: S608  # only constants are put together
_DROP_SPOKEN: Final = text(f"""
    DELETE FROM spoken_plays
     WHERE user_id = :user_id AND id IN ({_ONLY_HERE.format(column="spoken_plays")})
""")  # noqa: S608  # only constants are put together
_DROP: Final = text("DELETE FROM imports WHERE id = :import_id AND user_id = :user_id")


def undo_import(tx: Transaction, user_id: UUID, import_id: UUID) -> dict[str, int]:
    """Delete what this import alone has told; how many plays and spoken plays those were.

    What other imports tell, too, stays, and what it had kept aside counts again. A background transaction; it
    acts for the system from here on.

    Raises:
        NotFoundError: there is no such import, or it was undone.
        HistoryBusyError: another job is changing this history.
    """
    session = tx.session
    chosen = {"user_id": user_id, "import_id": import_id}
    hold_history(session, user_id)
    if session.execute(_FIND, chosen).one_or_none() is None:
        raise NotFoundError("There is no such import. It may have been undone already.")
    with without_nested_loops(session):
        tracks = session.scalars(_DROP_PLAYS, chosen).all()
        spoken = rows_changed(session, _DROP_SPOKEN, chosen)
    session.execute(_DROP, chosen)
    mark_superseded(session, user_id)
    mark_superseded_spoken(session, user_id)
    refresh_blocks(session, user_id)
    if tracks:
        enqueue(tx, TakeCalendarSnapshots(user_id=user_id))
    # Whether others play these tracks, only the system sees.
    tx.continue_as(SYSTEM)
    forget_tracks(session, sorted(set(tracks)))
    return {"plays": len(tracks), "spoken_plays": spoken}
