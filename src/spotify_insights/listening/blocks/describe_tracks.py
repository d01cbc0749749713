"""What is known of tracks, and which of several tracks of one song stands for it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from spotify_insights.listening.blocks.packing import Arrays
from spotify_insights.listening.blocks.read_rows import read_features, read_identities, read_same_songs


@dataclass(frozen=True)
class PackedTracks:
    """Columns of tracks, those that stand for nothing but another's song included."""

    identities: Arrays
    features: NDArray[np.float32]
    providers: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.features)

    def part(self, chosen: slice) -> "PackedTracks":
        """Some that follow each other."""
        return PackedTracks(
            {name: column[chosen] for name, column in self.identities.items()},
            self.features[chosen],
            self.providers[chosen],
        )


def described(session: Session, track_ids: NDArray[np.int64]) -> PackedTracks:
    """What is known of these tracks, in their order, without those that are gone.

    Of several tracks of a song one stands for all: what is known of any is known of that one.
    """
    rows = read_identities(session, track_ids.tolist())
    features, providers = read_features(session, rows["track_id"].tolist())
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


def stand_as_before(identities: Arrays, known: Arrays) -> bool:
    """Whether each known track is still there, in its place, and stands for the song that it stood for."""
    count = len(known["track_id"])
    return all(np.array_equal(identities[name][:count], known[name]) for name in ("track_id", "song"))


def described_among(
    session: Session, known: Arrays, new_ids: NDArray[np.int64]
) -> tuple[NDArray[np.intp], PackedTracks] | None:
    """What is known of new tracks, which come behind the known ones, and of known tracks of the same songs.

    Returns:
        The places of all of these, ascending, and what is known of each, with the songs by their places; as
        if all tracks had been described. None where a song is not the one that it was: a new track stands
        for it, or one of its tracks has got another name or is gone.
    """
    count = len(known["track_id"])
    same_songs = np.flatnonzero(np.isin(known["track_id"], read_same_songs(session, new_ids.tolist())))
    places = np.concatenate([same_songs, np.arange(count, count + len(new_ids))])
    tracks = described(session, np.concatenate([known["track_id"][same_songs], new_ids]))
    if len(tracks) < len(places):
        return None
    song = places[tracks.identities["song"]].astype(np.int32)
    if not np.array_equal(song[: len(same_songs)], known["song"][same_songs]):
        return None
    return places, PackedTracks({**tracks.identities, "song": song}, tracks.features, tracks.providers)


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
