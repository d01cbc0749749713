"""When plays happen, on the listener's own clock and calendar."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from spotify_insights.errors import InvalidInputError
from spotify_insights.listening.snapshot import SPOTIFY_RULE, PlayRuleName, Rhythm

_HOURS: Final = 24
_WEEKDAYS: Final = 7

# A mean vector shorter than this points nowhere: its direction would be float noise.
SHORTEST_DIRECTION: Final = 1e-6


def listening_rhythm(
    plays_ended_at: Sequence[datetime], *, timezone: str, play_rule: PlayRuleName = SPOTIFY_RULE
) -> Rhythm | None:
    """Hours, weekdays and the circular mean of plays; None without plays.

    A play counts at the moment it ended. The end is the one moment that every source gives: it is `ts` in
    the privacy export and, as scrobblers observe, `played_at` in the recently played list (see
    https://github.com/FoxxMD/multi-scrobbler). The start has to be reckoned from the time played, which
    that list does not give. Taking the start where it is known would shift imported plays by a few
    minutes against polled ones, and a change of source would look like a change of habit. For the same
    reason the time played is not an input: every play counts once, however long it was.

    Hours and weekdays are what the wall clock in the zone showed, from the IANA database. On the day the
    clock goes forward one hour stays empty; on the day it goes back one hour holds both of its passages.
    Minutes and seconds count in `mean_hour` and `concentration`, which are the direction and the length
    R of the mean vector on the 24-hour circle (Mardia and Jupp 2000, Directional Statistics, section 2.2):
    23:00 and 01:00 have the mean 0, not 12. Where plays cancel each other out (6:00 and 18:00) there is
    no mean hour: both are 0 then, so read `mean_hour` beside `concentration` only.

    Args:
        plays_ended_at: Aware moments in any zone and order; the same moment may occur more than once.
            Which plays count (the range, a shortest time played) is decided by the caller.
        timezone: The listener's IANA zone, for example "Europe/Berlin".
        play_rule: By which rule the caller decided it.

    Returns:
        Unrounded shares; `first_play_at` and `last_play_at` in UTC; `mean_hour` in [0, 24).

    Raises:
        InvalidInputError: The zone is not in the IANA database (field `timezone`).
        ValueError: A moment is naive.
    """
    zone = known_zone(timezone)
    if not plays_ended_at:
        return None
    if any(moment.utcoffset() is None for moment in plays_ended_at):
        raise ValueError("A play has a moment without a time zone; pass aware datetimes.")
    local = [moment.astimezone(zone) for moment in plays_ended_at]
    hours = Counter(moment.hour for moment in local)
    weekdays = Counter(moment.weekday() for moment in local)
    mean_hour, concentration = circular_mean(Counter(_hour_of_day(moment) for moment in local))
    return Rhythm(
        plays=len(local),
        days=len({moment.date() for moment in local}),
        # Compared in UTC: moments of one zone compare by wall clock, which runs twice in autumn.
        first_play_at=min(moment.astimezone(UTC) for moment in plays_ended_at),
        last_play_at=max(moment.astimezone(UTC) for moment in plays_ended_at),
        hours=tuple(hours[hour] / len(local) for hour in range(_HOURS)),
        weekdays=tuple(weekdays[weekday] / len(local) for weekday in range(_WEEKDAYS)),
        mean_hour=mean_hour,
        concentration=concentration,
        play_rule=play_rule,
    )


def known_zone(timezone: str) -> ZoneInfo:
    try:
        return ZoneInfo(timezone)
    # zoneinfo tells an unknown name, a malformed one and a folder of zones ("America") in three ways.
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInputError(
            f'"{timezone}" is not a time zone we know; use an IANA name such as "Europe/Berlin".',
            field="timezone",
        ) from error


def _hour_of_day(moment: datetime) -> float:
    return moment.hour + moment.minute / 60 + (moment.second + moment.microsecond / 1e6) / 3600


def circular_mean(plays_at: Mapping[float, int]) -> tuple[float, float]:
    """The mean hour in [0, 24) and the concentration in [0, 1] of at least one play.

    Args:
        plays_at: How many plays there are, by the hour of the day with its fraction.
    """
    angles = [(math.tau * hour / _HOURS, plays) for hour, plays in plays_at.items()]
    total = sum(plays_at.values())
    # fsum rounds once at the end, so the order of the plays cannot change the last digit.
    east = math.fsum(plays * math.cos(angle) for angle, plays in angles) / total
    north = math.fsum(plays * math.sin(angle) for angle, plays in angles) / total
    length = math.hypot(east, north)
    if length < SHORTEST_DIRECTION:
        return 0.0, 0.0
    mean_hour = math.atan2(north, east) * _HOURS / math.tau % _HOURS
    # A hair before midnight, the remainder of a tiny negative number is 24 itself.
    return (0.0 if mean_hour >= _HOURS else mean_hour), min(length, 1.0)
