"""Whose week is to be told just now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfoNotFoundError

from sqlalchemy import DateTime, func, select, text
from sqlalchemy.orm import Session

from spotify_insights.listening.analytics.play_rule import PlayRule
from spotify_insights.listening.may_count import MAY_COUNT
from spotify_insights.listening.week import Week, week_to_tell
from spotify_insights.observability import get_logger

_log = get_logger(__name__)

_ZONES: Final = text("SELECT DISTINCT timezone FROM users ORDER BY timezone")

# A snapshot of the week says that somebody has looked at it, whether it gave a letter or not.
_LISTENERS: Final = text(f"""
    SELECT u.id, ended.ends_on
      FROM unnest(CAST(:zones AS text[]), CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[]),
                  CAST(:ends_on AS date[])) AS ended (zone, since, until, ends_on)
      JOIN users u ON u.timezone = ended.zone
     WHERE EXISTS (
           SELECT 1 FROM plays p
            WHERE p.user_id = u.id AND p.ended_at >= ended.since AND p.ended_at < ended.until
              AND {MAY_COUNT})
       AND u.erasing_since IS NULL
       AND NOT EXISTS (
           SELECT 1 FROM listening_snapshots s
            WHERE s.user_id = u.id AND s.snapshot_date = ended.ends_on AND s.time_range = 'week')
     ORDER BY u.id
""")  # noqa: S608  # only constants are put together


@dataclass(frozen=True)
class ListenersWeek:
    """One listener's week."""

    user_id: UUID
    week: Week


def present(session: Session) -> datetime:
    """What time it is for the database."""
    return session.scalars(select(func.clock_timestamp(type_=DateTime(timezone=True)))).one()


def weeks_to_tell(session: Session, moment: datetime, *, default_rule: PlayRule) -> list[ListenersWeek]:
    """The weeks with plays that nobody has looked at, of all for whom it is time; see `week_to_tell`.

    A week is known by its Saturday, so a listener who moves to another zone gets none a second time.

    Args:
        default_rule: what counts as a play where a listener prefers nothing else.
    """
    zones = _zones_to_serve(session.scalars(_ZONES).all(), moment)
    bounds = [week.bounds(zone) for zone, week in zones]
    found = session.execute(
        _LISTENERS,
        {
            "default_rule": default_rule,
            "zones": [zone for zone, _ in zones],
            "since": [since for since, _ in bounds],
            "until": [until for _, until in bounds],
            "ends_on": [week.ends_on for _, week in zones],
        },
    )
    return [ListenersWeek(user_id=user_id, week=Week(ends_on)) for user_id, ends_on in found]


def _zones_to_serve(zones: Sequence[str], moment: datetime) -> list[tuple[str, Week]]:
    served: list[tuple[str, Week]] = []
    for zone in zones:
        try:
            week = week_to_tell(zone, moment)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            # A row from another version must not keep everybody else from their letters.
            _log.warning("timezone_unknown", timezone=zone)
            continue
        if week is not None:
            served.append((zone, week))
    return served
