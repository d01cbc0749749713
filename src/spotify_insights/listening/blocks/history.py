"""From packed blocks to the columns that analyses read."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.database.hot_read import HotRead
from spotify_insights.listening.analytics.columns import (
    FEATURES,
    NO_PLAYS,
    HistoryColumns,
    TrackColumns,
    joined,
)
from spotify_insights.listening.blocks.packing import unpack_features, unpack_identities, unpack_plays

# One statement: what plays refer to are the tracks of the same moment.
_PACKED: Final = text("""
    SELECT t.identities, t.features,
           ARRAY(SELECT b.content FROM history_blocks b
                  WHERE b.user_id = t.user_id ORDER BY b.number) AS plays
      FROM history_tracks t WHERE t.user_id = :user_id
""")

_OUTLINE: Final = """
    SELECT u.id, u.timezone, u.preferences, t.revision,
           coalesce((SELECT array_agg(b.revision ORDER BY b.number)
                       FROM history_blocks b WHERE b.user_id = u.id), '{}'),
           t.revision IS NOT NULL OR NOT EXISTS (SELECT FROM plays p WHERE p.user_id = u.id),
           clock_timestamp()
      FROM users u LEFT JOIN history_tracks t ON t.user_id = u.id
     WHERE u.id = %(user_id)s
"""
_CONTENT: Final = """
    SELECT revision, content FROM history_blocks
     WHERE user_id = %(user_id)s AND revision = ANY(%(revisions)s::uuid[])
"""
_TRACKS_CONTENT: Final = """
    SELECT revision, identities, features FROM history_tracks WHERE user_id = %(user_id)s
"""

NO_HISTORY: Final = HistoryColumns(
    plays=NO_PLAYS,
    tracks=TrackColumns(
        track_id=np.empty(0, np.int64),
        artist=np.empty(0, np.int64),
        album=np.empty(0, np.int64),
        duration_ms=np.empty(0, np.int32),
        features=np.empty((0, FEATURES), np.float32),
        providers=np.empty((0, FEATURES), np.int8),
    ),
)


def load_history(session: Session, user_id: UUID) -> HistoryColumns | None:
    """A listener's whole history; None where nothing is packed."""
    row = session.execute(_PACKED, {"user_id": user_id}).one_or_none()
    if row is None:
        return None
    return HistoryColumns(
        plays=joined([unpack_plays(bytes(content)) for content in row.plays]),
        tracks=track_columns(bytes(row.identities), bytes(row.features)),
    )


def track_columns(identities: bytes, features: bytes) -> TrackColumns:
    """The tracks that plays refer to by their place.

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


def outline(user_id: UUID) -> HotRead:
    """Id, timezone, preferences, revisions of tracks and blocks, whether these say all, and the time."""
    return HotRead(_OUTLINE, {"user_id": user_id}, binary=True)


def block_contents(user_id: UUID, revisions: Sequence[UUID]) -> HotRead:
    """The revision and the content of those of these blocks that are still there."""
    return HotRead(_CONTENT, {"user_id": user_id, "revisions": list(revisions)}, binary=True)


def track_contents(user_id: UUID) -> HotRead:
    """The revision and the contents of the tracks as they are now."""
    return HotRead(_TRACKS_CONTENT, {"user_id": user_id}, binary=True)
