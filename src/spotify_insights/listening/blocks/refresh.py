"""Keeping the blocks right: whoever changes plays refreshes them in the same transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from spotify_insights.database.table import new_id
from spotify_insights.listening.analytics.columns import HistoryColumns, PlayColumns, TrackColumns
from spotify_insights.listening.blocks.packing import (
    Arrays,
    pack_features,
    pack_identities,
    pack_plays,
    unpack_features,
    unpack_identities,
)
from spotify_insights.listening.blocks.read_rows import read_features, read_identities, read_plays
from spotify_insights.listening.models import HistoryBlock, HistoryTracks

# A new play rewrites the last block: 53 KB at most. All-time views of 500,000 plays read 123 of them.
PLAYS_PER_BLOCK: Final = 4096
_BLOCKS_AT_ONCE: Final = 16

_FIRST_TOUCHED: Final = text("""
    SELECT number, first_at FROM history_blocks
     WHERE user_id = :user_id
       AND (last_at >= :since OR number = (SELECT max(number) FROM history_blocks WHERE user_id = :user_id))
     ORDER BY number LIMIT 1
""")
_DROP_FROM: Final = text("DELETE FROM history_blocks WHERE user_id = :user_id AND number >= :number")
_DROP_TRACKS: Final = text("DELETE FROM history_tracks WHERE user_id = :user_id")
_TRACKS: Final = text("SELECT identities, features FROM history_tracks WHERE user_id = :user_id")


@dataclass(frozen=True)
class PackedTracks:
    """The columns of a listener's tracks, those that stand for nothing but another's song included."""

    identities: Arrays
    features: NDArray[np.float32]
    providers: NDArray[np.int8]


def refresh_blocks(session: Session, user_id: UUID, *, since: datetime | None = None) -> None:
    """Make the blocks say what the plays say. Safe to repeat; the result depends on the plays alone.

    To be called in the transaction that changes plays, by whoever holds the history.

    Args:
        since: nothing before it has changed; None where that is not known.
    """
    known = None if since is None else _known_tracks(session, user_id)
    number, from_second = 0, 0
    if since is not None and known is not None:
        touched = session.execute(
            _FIRST_TOUCHED, {"user_id": user_id, "since": int(since.timestamp())}
        ).one_or_none()
        if touched is not None:
            number = touched.number
            # What is new may lie before the first play of the block, and behind the last of the one before.
            from_second = min(touched.first_at, int(since.timestamp()))
    rows = read_plays(session, user_id, since=from_second)
    tracks = _with_tracks_of(session, known, rows)
    session.execute(_DROP_FROM, {"user_id": user_id, "number": number})
    _store_blocks(session, user_id, number, rows, tracks)
    if known is None or len(tracks.features) != len(known.features):
        _store_tracks(session, user_id, tracks)


def refresh_tracks(session: Session, user_id: UUID) -> None:
    """Make the tracks of the blocks say what is known by now: names, lengths, audio features. Safe to repeat.

    To be done by whoever holds the history. Where there are no blocks yet, they are made.
    """
    known = _known_tracks(session, user_id)
    if known is None:
        refresh_blocks(session, user_id)
        return
    tracks = _described(session, known.identities["track_id"])
    if np.array_equal(tracks.identities["song"], known.identities["song"]):
        _store_tracks(session, user_id, tracks)
    else:
        # Plays refer to the track that stands for their song, and that is another one now.
        refresh_blocks(session, user_id)


def read_history(session: Session, user_id: UUID) -> HistoryColumns:
    """What the blocks would say, from the plays themselves: slower, and right where nothing is packed."""
    rows = read_plays(session, user_id, since=0)
    tracks = _with_tracks_of(session, None, rows)
    identities = tracks.identities
    return HistoryColumns(
        plays=_play_columns(rows, tracks),
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
    session.execute(_DROP_FROM, {"user_id": user_id, "number": 0})
    session.execute(_DROP_TRACKS, {"user_id": user_id})


def _known_tracks(session: Session, user_id: UUID) -> PackedTracks | None:
    row = session.execute(_TRACKS, {"user_id": user_id}).one_or_none()
    if row is None:
        return None
    return PackedTracks(unpack_identities(bytes(row.identities)), *unpack_features(bytes(row.features)))


def _with_tracks_of(session: Session, known: PackedTracks | None, rows: NDArray[Any]) -> PackedTracks:
    """The known tracks, and behind them those that are new."""
    before = np.empty(0, np.int64) if known is None else known.identities["track_id"]
    played, first_places = np.unique(rows["track_id"].astype(np.int64), return_index=True)
    is_new = ~np.isin(played, before)
    if known is not None and not is_new.any():
        return known
    new = played[is_new][np.argsort(first_places[is_new])]
    return _described(session, np.concatenate([before, new]))


def _described(session: Session, track_ids: NDArray[np.int64]) -> PackedTracks:
    ids = track_ids.tolist()
    rows = read_identities(session, ids)
    features, providers = read_features(session, ids)
    # The first track of a song stands for it.
    _, first_places, song_numbers = np.unique(rows["song_key"], return_index=True, return_inverse=True)
    song = first_places[song_numbers].astype(np.int32)
    identities: Arrays = {
        "track_id": rows["track_id"].astype(np.int64),
        "artist": rows["artist"].astype(np.int64),
        "album": rows["album"].astype(np.int64),
        "song": song,
        "duration_ms": rows["duration_ms"].astype(np.int32),
    }
    _tell_songs(identities, features, providers)
    return PackedTracks(identities, features, providers)


def _tell_songs(identities: Arrays, features: NDArray[np.float32], providers: NDArray[np.int8]) -> None:
    """What is known of one track of a song is known of the one that stands for it, too."""
    song = identities["song"]
    others = np.flatnonzero(song != np.arange(len(song)))
    # In reverse, so that of several the first is written last.
    for other in others[::-1].tolist():
        stands = song[other]
        if identities["duration_ms"][stands] < 0:
            identities["duration_ms"][stands] = identities["duration_ms"][other]
        unknown = np.isnan(features[stands]) & ~np.isnan(features[other])
        features[stands, unknown] = features[other, unknown]
        providers[stands, unknown] = providers[other, unknown]


def _store_blocks(
    session: Session, user_id: UUID, number: int, rows: NDArray[Any], tracks: PackedTracks
) -> None:
    plays = _play_columns(rows, tracks)
    values: list[dict[str, Any]] = []
    first = 0
    last_number = number - 1
    while first < len(plays):
        # Plays of one second stay together, so that a block can be read again by the moment of its first.
        cut = min(first + PLAYS_PER_BLOCK, len(plays))
        cut = int(np.searchsorted(plays.ended_at, plays.ended_at[cut - 1], side="right"))
        block = plays.where(slice(first, cut))
        last_number += 1
        values.append(
            {
                "user_id": user_id,
                "number": last_number,
                "revision": new_id(),
                "first_at": int(block.ended_at[0]),
                "last_at": int(block.ended_at[-1]),
                "plays": len(block),
                "content": pack_plays(block),
            }
        )
        first = cut
        if len(values) == _BLOCKS_AT_ONCE:
            session.execute(insert(HistoryBlock), values)
            values.clear()
    if values:
        session.execute(insert(HistoryBlock), values)


def _play_columns(rows: NDArray[Any], tracks: PackedTracks) -> PlayColumns:
    order = np.argsort(tracks.identities["track_id"], kind="stable")
    sorted_ids = tracks.identities["track_id"][order]
    places = order[np.searchsorted(sorted_ids, rows["track_id"].astype(np.int64))]
    return PlayColumns(
        ended_at=rows["ended_at"].astype(np.int64),
        track=tracks.identities["song"][places].astype(np.int32),
        ms_played=rows["ms_played"].astype(np.int32),
        flags=rows["flags"].astype(np.uint8),
    )


def _store_tracks(session: Session, user_id: UUID, tracks: PackedTracks) -> None:
    content = {
        "revision": new_id(),
        "tracks": len(tracks.features),
        "is_stale": False,
        "identities": pack_identities(tracks.identities),
        "features": pack_features(tracks.features, tracks.providers),
    }
    session.execute(
        insert(HistoryTracks)
        .values(user_id=user_id, **content)
        .on_conflict_do_update(index_elements=["user_id"], set_=content)
    )
