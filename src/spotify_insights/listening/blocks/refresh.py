"""Keeping the blocks right: whoever changes plays refreshes them in the same transaction."""

from datetime import datetime
from typing import Final
from uuid import UUID

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.listening.analytics.columns import (
    HistoryColumns,
    PlayColumns,
    TrackColumns,
    joined,
)
from spotify_insights.listening.blocks.cut_plays import Places, blocks_of, of_songs
from spotify_insights.listening.blocks.describe_tracks import (
    PackedTracks,
    described,
    described_among,
    stand_as_before,
)
from spotify_insights.listening.blocks.packing import Arrays
from spotify_insights.listening.blocks.read_rows import read_plays
from spotify_insights.listening.blocks.store_blocks import (
    BlockWriter,
    drop_packed,
    hold_packed,
    known_identities,
)

# A new play rewrites the last block: 53 KB at most. All-time views of 500,000 plays read 123 of them.
PLAYS_PER_BLOCK: Final = 4096

_FIRST_TOUCHED: Final = text("""
    SELECT number, first_at FROM history_blocks
     WHERE user_id = :user_id
       AND (last_at >= :since OR number = (SELECT max(number) FROM history_blocks WHERE user_id = :user_id))
     ORDER BY number LIMIT 1
""")


def refresh_blocks(session: Session, user_id: UUID, *, since: datetime | None = None) -> None:
    """Make the blocks say what the plays say. Safe to repeat; the result depends on the plays alone.

    To be called in the transaction that changes plays, by whoever holds the history: so each change has a
    greater generation than the one before.

    Args:
        since: nothing before it has changed; None where that is not known.
    """
    was_packed = hold_packed(session, user_id)
    known = known_identities(session, user_id) if was_packed and since is not None else None
    if since is None or known is None or not _add(session, user_id, known, since=int(since.timestamp())):
        plays, tracks = _read_all(session, user_id)
        writer = BlockWriter(session, user_id)
        writer.plays(blocks_of(of_songs(plays, tracks.identities["song"]), least=PLAYS_PER_BLOCK))
        writer.tracks(tracks)
        # What was learnt meanwhile about tracks that nobody could see among the listener's may be missing.
        writer.finish(is_stale=not was_packed or since is not None)


def refresh_tracks(session: Session, user_id: UUID) -> None:
    """Make the tracks of the blocks say what is known by now: names, lengths, audio features. Safe to repeat.

    To be done by whoever holds the history. Where there are no blocks yet, they are made.
    """
    known = known_identities(session, user_id) if hold_packed(session, user_id) else None
    tracks = None if known is None else described(session, known["track_id"])
    if known is None or tracks is None or not stand_as_before(tracks.identities, known):
        refresh_blocks(session, user_id)
        return
    writer = BlockWriter(session, user_id)
    writer.tracks(tracks)
    writer.finish(is_stale=False)


def read_history(session: Session, user_id: UUID) -> HistoryColumns:
    """What the blocks would say, from the plays themselves: slower, and right where nothing is packed."""
    plays, tracks = _read_all(session, user_id)
    identities = tracks.identities
    return HistoryColumns(
        plays=joined(list(of_songs(plays, identities["song"]))),
        tracks=TrackColumns(
            track_id=identities["track_id"],
            artist=identities["artist"],
            album=identities["album"],
            duration_ms=identities["duration_ms"],
            features=tracks.features,
            providers=tracks.providers,
        ),
    )


def drop_blocks(session: Session, user_id: UUID) -> None:
    """Delete the blocks, which are made again from the plays; until then views read the plays themselves."""
    drop_packed(session, user_id)


def _add(session: Session, user_id: UUID, known: Arrays, *, since: int) -> bool:
    """Pack what is new since then, by what is known of tracks; False, and nothing done, where that is wrong.

    Of tracks only new ones are looked at, and those that are the same song.
    """
    number, from_second = 0, 0
    touched = session.execute(_FIRST_TOUCHED, {"user_id": user_id, "since": since}).one_or_none()
    if touched is not None:
        number = touched.number
        # What is new may lie before the first play of the block, and behind the last of the one before.
        from_second = min(touched.first_at, since)
    places = Places(known["track_id"])
    plays = [places.plays_of(rows) for rows in read_plays(session, user_id, since=from_second)]
    song, added = known["song"], None
    if len(places.new_ids):
        added = described_among(session, known, places.new_ids)
        if added is None:
            return False
        song = np.concatenate([song, added[1].identities["song"][-len(places.new_ids) :]])
    writer = BlockWriter(session, user_id)
    writer.plays(blocks_of(of_songs(plays, song), least=PLAYS_PER_BLOCK), first=number)
    if added is not None:
        writer.some_tracks(known, *added)
    # Of other known tracks more may have been told meanwhile, in the name of other listeners: the next
    # refresh looks at all of them, once for all new songs of an hour.
    writer.finish(is_stale=None if added is None else True)
    return True


def _read_all(session: Session, user_id: UUID) -> tuple[list[PlayColumns], PackedTracks]:
    """All plays, by the places of their tracks, a slice of time after the other, and these tracks."""
    places = Places(np.empty(0, np.int64))
    plays = [places.plays_of(rows) for rows in read_plays(session, user_id, since=0)]
    return plays, described(session, places.track_ids)
