"""Keeping the blocks right: whoever changes plays refreshes them in the same transaction."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from spotify_insights.database.table import new_id
from spotify_insights.listening.analytics.columns import (
    NO_PLAYS,
    HistoryColumns,
    PlayColumns,
    TrackColumns,
    joined,
)
from spotify_insights.listening.blocks.packing import (
    Arrays,
    pack_features,
    pack_identities,
    pack_plays,
    unpack_features,
    unpack_identities,
)
from spotify_insights.listening.blocks.read_rows import (
    SUPERSEDED,
    read_features,
    read_identities,
    read_plays,
)
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
# Whoever learns something about tracks meanwhile waits, and marks the new content as stale, not the old one.
_HOLD_TRACKS: Final = text("SELECT FROM history_tracks WHERE user_id = :user_id FOR UPDATE")


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
    was_packed = session.execute(_HOLD_TRACKS, {"user_id": user_id}).one_or_none() is not None
    known = _known_tracks(session, user_id) if was_packed and since is not None else None
    number, from_second = 0, 0
    if since is not None and known is not None:
        touched = session.execute(
            _FIRST_TOUCHED, {"user_id": user_id, "since": int(since.timestamp())}
        ).one_or_none()
        if touched is not None:
            number = touched.number
            # What is new may lie before the first play of the block, and behind the last of the one before.
            from_second = min(touched.first_at, int(since.timestamp()))
    plays, tracks = _read(session, user_id, known, since=from_second)
    if known is not None and not _stand_as_before(tracks, known):
        refresh_blocks(session, user_id)
        return
    session.execute(_DROP_FROM, {"user_id": user_id, "number": number})
    _store_blocks(session, user_id, number, _blocks(plays))
    if known is None or len(tracks.features) != len(known.features):
        # What was learnt about tracks while there was nothing to be marked may be missing.
        _store_tracks(session, user_id, tracks, is_stale=not was_packed)


def refresh_tracks(session: Session, user_id: UUID) -> None:
    """Make the tracks of the blocks say what is known by now: names, lengths, audio features. Safe to repeat.

    To be done by whoever holds the history. Where there are no blocks yet, they are made.
    """
    session.execute(_HOLD_TRACKS, {"user_id": user_id})
    known = _known_tracks(session, user_id)
    if known is None:
        refresh_blocks(session, user_id)
        return
    tracks = _described(session, known.identities["track_id"])
    if _stand_as_before(tracks, known):
        _store_tracks(session, user_id, tracks, is_stale=False)
    else:
        refresh_blocks(session, user_id)


def read_history(session: Session, user_id: UUID) -> HistoryColumns:
    """What the blocks would say, from the plays themselves: slower, and right where nothing is packed."""
    plays, tracks = _read(session, user_id, None, since=0)
    identities = tracks.identities
    return HistoryColumns(
        plays=joined(list(plays)),
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


def _stand_as_before(tracks: PackedTracks, known: PackedTracks) -> bool:
    """Whether each known track is still there, in its place, and stands for the song that it stood for."""
    count = len(known.features)
    return all(
        np.array_equal(tracks.identities[name][:count], known.identities[name])
        for name in ("track_id", "song")
    )


def _read(
    session: Session, user_id: UUID, known: PackedTracks | None, *, since: int
) -> tuple[Iterator[PlayColumns], PackedTracks]:
    """The plays since then, a slice at a time, and the known tracks with those behind them that are new."""
    places = _Places(np.empty(0, np.int64) if known is None else known.identities["track_id"])
    slices = [places.plays_of(rows) for rows in read_plays(session, user_id, since=since)]
    tracks = _described(session, places.track_ids) if known is None or places.have_grown else known
    return _of_songs(slices, tracks.identities["song"]), tracks


def _of_songs(slices: list[PlayColumns], song: NDArray[np.int32]) -> Iterator[PlayColumns]:
    """Each slice, which leaves the list and the memory on its turn, with the track that stands for a song."""
    while slices:
        plays = slices.pop(0)
        yield replace(plays, track=song[plays.track])


class _Places:
    """Where each of a listener's tracks stands; new ones get the next places.

    Tracks of superseded plays have theirs, too: whether a play counts may change, and which track stands
    for a song must not depend on what happened before.
    """

    def __init__(self, track_ids: NDArray[np.int64]) -> None:
        self.track_ids = track_ids
        self.have_grown = False

    def plays_of(self, rows: NDArray[Any]) -> PlayColumns:
        played, first_rows, numbers = np.unique(
            rows["track_id"].astype(np.int64), return_index=True, return_inverse=True
        )
        is_new = ~np.isin(played, self.track_ids)
        if is_new.any():
            self.have_grown = True
            new = played[is_new][np.argsort(first_rows[is_new])]
            self.track_ids = np.concatenate([self.track_ids, new])
        order = np.argsort(self.track_ids, kind="stable")
        places = order[np.searchsorted(self.track_ids, played, sorter=order)].astype(np.int32)
        plays = PlayColumns(
            ended_at=rows["ended_at"].astype(np.int64),
            track=places[numbers],
            ms_played=rows["ms_played"].astype(np.int32),
            flags=rows["flags"].astype(np.uint8),
        )
        return plays.where((plays.flags & SUPERSEDED) == 0)


def _described(session: Session, track_ids: NDArray[np.int64]) -> PackedTracks:
    ids = track_ids.tolist()
    rows = read_identities(session, ids)
    features, providers = read_features(session, ids)
    # The first that Spotify's catalogue has stands for a song, in whatever order they were played and told.
    first_come = np.lexsort((rows["track_id"], rows["has_id"] == 0))
    _, first_places, song_numbers = np.unique(
        rows["song_key"][first_come], return_index=True, return_inverse=True
    )
    song = np.empty(len(rows), np.int32)
    song[first_come] = first_come[first_places[song_numbers]]
    identities: Arrays = {
        "track_id": rows["track_id"].astype(np.int64),
        "artist": rows["artist"].astype(np.int64),
        "album": rows["album"].astype(np.int64),
        "song": song,
        "duration_ms": rows["duration_ms"].astype(np.int32),
    }
    _tell_songs(first_come, identities, features, providers)
    return PackedTracks(identities, features, providers)


def _tell_songs(
    first_come: NDArray[np.intp],
    identities: Arrays,
    features: NDArray[np.float32],
    providers: NDArray[np.int8],
) -> None:
    """What is known of one track of a song is known of the one that stands for it; the first counts."""
    song = identities["song"]
    for track in first_come[song[first_come] != first_come].tolist():
        stands = song[track]
        if identities["duration_ms"][stands] < 0:
            identities["duration_ms"][stands] = identities["duration_ms"][track]
        unknown = np.isnan(features[stands]) & ~np.isnan(features[track])
        features[stands, unknown] = features[track, unknown]
        providers[stands, unknown] = providers[track, unknown]


def _blocks(slices: Iterable[PlayColumns]) -> Iterator[PlayColumns]:
    rest = NO_PLAYS
    for plays_of_slice in slices:
        plays = joined([rest, plays_of_slice])
        first = 0
        while len(plays) - first >= PLAYS_PER_BLOCK:
            # Plays of one second stay together, so that a block can be read again by the moment of its first.
            last_moment = plays.ended_at[first + PLAYS_PER_BLOCK - 1]
            cut = int(np.searchsorted(plays.ended_at, last_moment, side="right"))
            yield plays.where(slice(first, cut))
            first = cut
        rest = plays.where(slice(first, None))
    if len(rest):
        yield rest


def _store_blocks(session: Session, user_id: UUID, number: int, blocks: Iterator[PlayColumns]) -> None:
    numbered = enumerate(blocks, number)
    while some := list(islice(numbered, _BLOCKS_AT_ONCE)):
        values = [
            {
                "user_id": user_id,
                "number": block_number,
                "revision": new_id(),
                "first_at": int(block.ended_at[0]),
                "last_at": int(block.ended_at[-1]),
                "plays": len(block),
                "content": pack_plays(block),
            }
            for block_number, block in some
        ]
        session.execute(insert(HistoryBlock), values)


def _store_tracks(session: Session, user_id: UUID, tracks: PackedTracks, *, is_stale: bool) -> None:
    content = {
        "revision": new_id(),
        "tracks": len(tracks.features),
        "is_stale": is_stale,
        "identities": pack_identities(tracks.identities),
        "features": pack_features(tracks.features, tracks.providers),
    }
    stored = insert(HistoryTracks).values(user_id=user_id, **content)
    replaced = {name: stored.excluded[name] for name in content}
    session.execute(stored.on_conflict_do_update(index_elements=["user_id"], set_=replaced))
