"""What is packed of a history, as views and others read it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
from sqlalchemy.orm import Session

from spotify_insights.database.hot_read import HotRead
from spotify_insights.listening.analytics.columns import (
    FEATURES,
    NO_PLAYS,
    HistoryColumns,
    TrackColumns,
)
from spotify_insights.listening.analytics.grow import grown
from spotify_insights.listening.analytics.held import Held
from spotify_insights.listening.blocks.change import Change, State
from spotify_insights.listening.blocks.packing import unpack_plays, unpack_tracks
from spotify_insights.listening.blocks.read_rows import first_row

# One statement: what plays refer to are the tracks of the same moment.
_PACKED: Final = """
    SELECT ARRAY(SELECT b.content FROM history_blocks b WHERE b.user_id = h.user_id ORDER BY b.number),
           ARRAY(SELECT b.identities FROM history_track_blocks b
                  WHERE b.user_id = h.user_id ORDER BY b.number),
           ARRAY(SELECT b.features FROM history_track_blocks b WHERE b.user_id = h.user_id ORDER BY b.number)
      FROM packed_histories h WHERE h.user_id = %(user_id)s
"""

# Where nothing is newer, which is nearly always, no block is looked at.
_ASKED: Final = f"""
    WITH asked AS MATERIALIZED (
         SELECT u.id, u.timezone, u.preferences, clock_timestamp() AS now,
                h.user_id IS NOT NULL OR NOT EXISTS (SELECT FROM plays p WHERE p.user_id = u.id) AS is_packed,
                h.generation, h.play_blocks, h.track_blocks,
                CASE WHEN h.generation > %(known)s::bigint THEN
                     (SELECT count(*) FROM history_blocks b
                       WHERE b.user_id = u.id AND b.generation > %(known)s::bigint)
                   + (SELECT count(*) FROM history_track_blocks b
                       WHERE b.user_id = u.id AND b.generation > %(known)s::bigint)
                     ELSE 0 END AS newer
           FROM users u LEFT JOIN packed_histories h ON h.user_id = u.id
          WHERE u.id = %(user_id)s)
    SELECT asked.*, NULL::int AS number, NULL::bytea AS plays, NULL::bytea AS identities,
           NULL::bytea AS features FROM asked
     UNION ALL
    SELECT {", ".join(["NULL"] * 9)}, b.number, b.content, NULL, NULL
      FROM asked JOIN history_blocks b ON b.user_id = asked.id AND b.generation > %(known)s::bigint
     WHERE asked.newer BETWEEN 1 AND %(most)s::bigint
     UNION ALL
    SELECT {", ".join(["NULL"] * 9)}, b.number, NULL, b.identities, b.features
      FROM asked JOIN history_track_blocks b ON b.user_id = asked.id AND b.generation > %(known)s::bigint
     WHERE asked.newer BETWEEN 1 AND %(most)s::bigint
"""  # noqa: S608  # only constants are put together

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


def nothing_known() -> State:
    """The beginning of a state that is to be held; another one each time, as it may be written behind."""
    return State(0, HistoryColumns(NO_PLAYS, replace(NO_HISTORY.tracks, held=Held())), (), ())


def load_history(session: Session, user_id: UUID) -> HistoryColumns | None:
    """A listener's whole history; None where nothing is packed."""
    row = first_row(session, _PACKED, {"user_id": user_id})
    if row is None:
        return None
    plays, identities, features = row
    tracks = [unpack_tracks(*each) for each in zip(identities, features, strict=True)]
    before = nothing_known().columns
    return grown(before, [unpack_plays(content) for content in plays], tracks, kept_plays=0, kept_tracks=0)


@dataclass(frozen=True)
class Answer:
    """What the database says about a listener's history, all of it at one moment.

    Attributes:
        is_packed: whether the blocks say all; else the plays have to be read.
        generation: that of the packed history; None where there is none.
        change: what is newer than what was known; None where nothing is packed, or more is newer than was
            asked for.
    """

    user_id: UUID
    timezone: str
    preferences: dict[str, Any]
    now: datetime
    is_packed: bool
    generation: int | None
    change: Change | None


def changed_since(user_id: UUID, known: int, *, most: int) -> HotRead:
    """Who the listener is, and what of their blocks is newer than the generation `known`: see `answer_of`.

    Args:
        most: where more blocks than that are newer, none is given.
    """
    return HotRead(_ASKED, {"user_id": user_id, "known": known, "most": most}, binary=True)


def answer_of(rows: Sequence[Sequence[Any]], *, known: int, most: int) -> Answer | None:
    """What the rows say that `changed_since` gives; None where there is no such listener for who asks."""
    told = next((row[:9] for row in rows if row[0] is not None), None)
    if told is None:
        return None
    (user_id, timezone, preferences, now, is_packed, generation, play_blocks, track_blocks, newer) = told
    change = None
    if generation is not None and newer <= most:
        blocks = [row[9:] for row in rows if row[0] is None]
        change = Change(
            since=known,
            generation=generation,
            play_blocks=play_blocks,
            track_blocks=track_blocks,
            plays={number: unpack_plays(plays) for number, plays, _, _ in blocks if plays is not None},
            tracks={
                number: unpack_tracks(identities, features)
                for number, plays, identities, features in blocks
                if plays is None
            },
        )
    return Answer(user_id, timezone, preferences, now, is_packed, generation, change)
