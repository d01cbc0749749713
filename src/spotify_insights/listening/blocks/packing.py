"""Columns as bytes and back: one array after the other, little endian, without any header."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from spotify_insights.listening.analytics.columns import FEATURES, PlayColumns, TrackColumns

_PLAY: Final = (("ended_at", "<u4"), ("track", "<i4"), ("ms_played", "<i4"), ("flags", "u1"))
BYTES_PER_PLAY: Final = sum(np.dtype(kind).itemsize for _, kind in _PLAY)

_IDENTITY: Final = (
    ("track_id", "<i8"),
    ("artist", "<i8"),
    ("album", "<i8"),
    # The track that stands for the song, by its place in these columns.
    ("song", "<i4"),
    ("duration_ms", "<i4"),
)

Arrays = dict[str, NDArray[Any]]


def pack_plays(plays: PlayColumns) -> bytes:
    """The bytes of a block; moments as unsigned 32-bit Unix seconds, which last until 2106."""
    return _packed({name: getattr(plays, name) for name, _ in _PLAY}, _PLAY)


def unpack_plays(content: bytes) -> PlayColumns:
    """What `pack_plays` packed."""
    arrays = _unpacked(content, _PLAY)
    return PlayColumns(
        ended_at=arrays["ended_at"].astype(np.int64),
        track=arrays["track"],
        ms_played=arrays["ms_played"],
        flags=arrays["flags"],
    )


def pack_identities(arrays: Arrays) -> bytes:
    """The bytes of what tracks are, as the columns of `_IDENTITY`."""
    return _packed(arrays, _IDENTITY)


def unpack_identities(content: bytes) -> Arrays:
    """What `pack_identities` packed."""
    return _unpacked(content, _IDENTITY)


def pack_features(features: NDArray[np.float32], providers: NDArray[np.int8]) -> bytes:
    """The bytes of both; one row for each track."""
    return np.ascontiguousarray(features, "<f4").tobytes() + np.ascontiguousarray(providers, "i1").tobytes()


def unpack_features(content: bytes) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """What `pack_features` packed."""
    cells = len(content) // 5
    features = np.frombuffer(content, "<f4", cells).reshape(-1, FEATURES)
    return features, np.frombuffer(content, "i1", cells, offset=4 * cells).reshape(-1, FEATURES)


def unpack_tracks(identities: bytes, features: bytes) -> TrackColumns:
    """What analyses need of packed tracks.

    Tracks that are another's song have a row, too; no play refers to it.
    """
    arrays = unpack_identities(identities)
    values, providers = unpack_features(features)
    return TrackColumns(
        track_id=arrays["track_id"],
        artist=arrays["artist"],
        album=arrays["album"],
        duration_ms=arrays["duration_ms"],
        features=values,
        providers=providers,
    )


def _packed(arrays: Arrays, columns: tuple[tuple[str, str], ...]) -> bytes:
    return b"".join(np.ascontiguousarray(arrays[name], kind).tobytes() for name, kind in columns)


def _unpacked(content: bytes, columns: tuple[tuple[str, str], ...]) -> Arrays:
    width = sum(np.dtype(kind).itemsize for _, kind in columns)
    rows, offset, arrays = len(content) // width, 0, {}
    for name, kind in columns:
        arrays[name] = np.frombuffer(content, kind, rows, offset=offset)
        offset += rows * np.dtype(kind).itemsize
    return arrays
