"""Questions about snapshots and gaps."""

from datetime import datetime
from typing import Final
from uuid import UUID

from spotify_insights.database.hot_read import HotRead, moment

_SNAPSHOT: Final = f"""
    json_build_object(
        'snapshot_id', s.id, 'user_id', s.user_id,
        'snapshot_date', s.snapshot_date, 'time_range', s.time_range, 'timezone', s.timezone,
        'mood_patterns', s.mood_patterns, 'mood_diversity_score', s.mood_diversity_score,
        'effective_moods', s.effective_moods, 'audio_features', s.audio_features,
        'rhythm', s.rhythm, 'top_tracks', s.top_tracks, 'top_artists', s.top_artists,
        'coverage', s.coverage, 'content_hash', s.content_hash,
        'computed_at', {moment("s.computed_at")})
"""

_PAGE: Final = f"""
    WITH page AS MATERIALIZED (
         SELECT s.*, row_number() OVER (ORDER BY s.computed_at DESC, s.id DESC) AS place
           FROM listening_snapshots s
          WHERE s.user_id = %(user_id)s
            AND (%(time_range)s::text IS NULL OR s.time_range = %(time_range)s)
            AND (%(before)s::timestamptz IS NULL OR (s.computed_at, s.id) < (%(before)s, %(before_id)s))
          ORDER BY s.computed_at DESC, s.id DESC
          LIMIT %(limit)s + 1)
    SELECT coalesce((SELECT json_agg({_SNAPSHOT} ORDER BY s.place) FROM page s WHERE s.place <= %(limit)s),
                    '[]')::text,
           (SELECT json_build_array(s.computed_at, s.id)::text FROM page s
             WHERE s.place = %(limit)s AND (SELECT count(*) FROM page) > %(limit)s)
      FROM users u WHERE u.id = %(user_id)s
"""  # noqa: S608  # only constants are put together

# What imports cover is taken out of each gap; what is left of it may be several pieces.
_GAPS: Final = f"""
    WITH covered AS (
         SELECT coalesce(range_agg(tstzrange(i.first_play_at, i.last_play_at)), '{{}}') AS times
           FROM imports i
          WHERE i.user_id = %(user_id)s AND i.first_play_at <= i.last_play_at),
    open AS (
         SELECT g.found_at, unnest(tstzmultirange(tstzrange(g.since, g.until)) - covered.times) AS piece
           FROM listening_gaps g CROSS JOIN covered
          WHERE g.user_id = %(user_id)s)
    SELECT coalesce((SELECT json_agg(json_build_object(
                                'since', {moment("lower(piece)")}, 'until', {moment("upper(piece)")},
                                'found_at', {moment("found_at")}) ORDER BY upper(piece)) FROM open),
                    '[]')::text
      FROM users u WHERE u.id = %(user_id)s
"""  # noqa: S608  # only constants are put together


def snapshot_documents(
    user_id: UUID,
    *,
    time_range: str | None,
    limit: int,
    before: tuple[datetime, UUID] | None,
) -> HotRead:
    """A page of one listener's snapshots, the one computed last first."""
    return HotRead(
        _PAGE,
        {
            "user_id": user_id,
            "time_range": time_range,
            "limit": limit,
            "before": before[0] if before else None,
            "before_id": before[1] if before else None,
        },
    )


def gap_documents(user_id: UUID) -> HotRead:
    """The times in which some of one listener's plays are missing, oldest first.

    Each with `since`, the last play that is held before it (null: none is), `until` and `found_at`. What an
    import covers is no gap, and is one again when the import is undone.
    """
    return HotRead(_GAPS, {"user_id": user_id})
