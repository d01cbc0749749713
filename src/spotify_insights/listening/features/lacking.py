"""Whose audio features to ask for next."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from spotify_insights.audio_features.values import FEATURE_NAMES
from spotify_insights.listening.analytics.columns import PROVIDERS
from spotify_insights.listening.features.store import ASK_AGAIN_AFTER, CATALOGUE

_RECENT_DAYS: Final = 28


@dataclass(frozen=True)
class LackingTrack:
    """A track of which some feature is unknown."""

    track_id: int
    spotify_id: str


def lacking_tracks(session: Session, provider: str, *, limit: int) -> list[LackingTrack]:
    """Tracks for which `provider` should be asked, the most needed first, `limit` at most.

    That is as in `KnownFeatures.to_ask`, for everybody's tracks. Need is counted in plays of the last 28
    days, then in all plays; of equally needed tracks, the one we met last comes first. Tracks that nobody
    played, as in a list of favourites, come at the end.
    """
    rows = session.execute(
        _statement(provider),
        {
            "provider": provider,
            "ask_again": ASK_AGAIN_AFTER,
            "recent_days": _RECENT_DAYS,
            "limit": limit,
        },
    )
    return [LackingTrack(row.id, row.spotify_id) for row in rows]


def _statement(provider: str) -> Any:
    """Only constants are put together here."""
    earlier = [name for name in PROVIDERS[: PROVIDERS.index(provider)] if name != CATALOGUE]
    joins = " ".join(
        f"LEFT JOIN track_features {name} ON {name}.track_id = t.id AND {name}.provider = '{name}'"
        for name in earlier
    )
    complete = " AND ".join(
        f"coalesce({', '.join(f'{name}.{feature}' for name in (CATALOGUE, *earlier))}) IS NOT NULL"
        for feature in FEATURE_NAMES
    )
    return text(f"""
        WITH moment AS MATERIALIZED (SELECT clock_timestamp() AS present),
        need AS (
             SELECT p.track_id, count(*) AS plays,
                    count(*) FILTER (WHERE p.ended_at > moment.present - make_interval(days => :recent_days))
                    AS recent
               FROM plays p CROSS JOIN moment
              WHERE NOT p.superseded
              GROUP BY p.track_id)
        SELECT t.id, t.spotify_id
          FROM tracks t CROSS JOIN moment
          LEFT JOIN need ON need.track_id = t.id
          LEFT JOIN catalogue_features {CATALOGUE} ON {CATALOGUE}.spotify_id = t.spotify_id
          {joins}
          LEFT JOIN track_features own ON own.track_id = t.id AND own.provider = :provider
         WHERE t.spotify_id ~ '^[0-9A-Za-z]{{22}}$'
           AND (own.track_id IS NULL OR NOT own.found AND own.fetched_at <= moment.present - :ask_again)
           AND NOT ({complete})
         ORDER BY coalesce(need.recent, 0) DESC, coalesce(need.plays, 0) DESC, t.id DESC
         LIMIT :limit
    """)  # noqa: S608  # only constants are put together
