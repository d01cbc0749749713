"""When to ask for a listener's latest plays again, from what they play at which hour of their week.

Spotify tells the last 50 plays only, and counts a play from 30 seconds on: somebody who skips through songs
can push a play out of that list in 25 minutes, somebody who lets them end needs two hours and a half, and
most people do neither for most of the day. Two numbers are worked out for the time until the next poll: how
many plays are expected (the mean of the past weeks at these hours of the week), and a pessimistic number
(music without a pause, as fast as in the fastest hour that there was around this time of the day). Neither
may reach half of the list. The other half is for habits that change, and for polls that are late.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# Web API reference, "Get Recently Played Tracks".
LIST_LENGTH: Final = 50
# How many plays may be due at the next poll, by both reckonings.
MOST_PLAYS: Final = 25.0
# By the pessimistic one, in hours of the week in which the listener never listens.
MOST_UNUSUAL_PLAYS: Final = 45.0

# Songs of three minutes without a pause. Few are shorter on the whole, so nobody is taken to be slower.
USUAL_PACE: Final = 20.0
# Fifty plays of half a minute may have begun and ended within any part of an hour that had so many, so that
# hour is taken for one of this pace: half of the list is asked for after a quarter of an hour.
BURST: Final = 50
BURST_PACE: Final = 100.0
# A poll that brought so many came late: something is going on that nobody expected.
MANY: Final = 40
AFTER_MANY: Final = timedelta(minutes=10)
SHORTEST_WAIT: Final = timedelta(minutes=5)

# So far back, habits are learned.
WEEKS: Final = 4
REMEMBERED: Final = timedelta(weeks=WEEKS)
# Who has been known for less may listen at any hour.
KNOWN_AFTER: Final = timedelta(days=14)

_WEEK: Final = timedelta(days=7)
_QUARTER: Final = timedelta(minutes=15)
_QUARTERS_OF_HOUR: Final = 4
_QUARTERS_OF_DAY: Final = 96
_QUARTERS_OF_WEEK: Final = 7 * _QUARTERS_OF_DAY
_HOUR_SECONDS: Final = 3600.0


@dataclass(frozen=True)
class Habits:
    """When somebody listens, by quarters of an hour on their own clock.

    Args:
        zone: where that clock is.
        pace: plays an hour at the most, for each quarter of the day.
        expected: mean number of plays for each quarter of the week, from Monday; 0 where there is none.
        usual: the quarters of the week within an hour of a play; None where nobody can tell yet.
    """

    zone: ZoneInfo
    pace: Sequence[float]
    expected: Mapping[int, float]
    usual: frozenset[int] | None


def habits_of(
    plays_ended_at: Iterable[datetime], *, timezone: str, moment: datetime, known_since: datetime | None
) -> Habits:
    """What the plays of the last four weeks tell.

    Args:
        plays_ended_at: aware, in any order; what is not within REMEMBERED before `moment` is left out.
        timezone: the listener's IANA zone. One that is not known here is taken for UTC: hours are compared
            with hours of the same clock, so that any clock will do.
        known_since: their first play that we know of.
    """
    zone = _zone(timezone)
    fastest = [0.0] * _QUARTERS_OF_DAY
    plays: Counter[int] = Counter()
    last_hour: deque[float] = deque()
    for ended_at in sorted(play.timestamp() for play in plays_ended_at if play > moment - REMEMBERED):
        last_hour.append(ended_at)
        while last_hour[0] <= ended_at - _HOUR_SECONDS:
            last_hour.popleft()
        quarter = _quarter_of_week(datetime.fromtimestamp(ended_at, zone))
        plays[quarter] += 1
        of_day = quarter % _QUARTERS_OF_DAY
        fastest[of_day] = max(fastest[of_day], float(len(last_hour)))
    known_for = timedelta(0) if known_since is None else moment - known_since
    weeks = max(min(known_for, REMEMBERED) / _WEEK, 1.0)
    return Habits(
        zone=zone,
        pace=_paces(fastest),
        expected={quarter: number / weeks for quarter, number in plays.items()},
        usual=None if known_for < KNOWN_AFTER else _around(plays),
    )


def next_poll_at(habits: Habits, moment: datetime, *, seen: int | None) -> datetime:
    """When to poll next, after a poll at `moment`.

    Within two hours and a quarter, so that a habit that changes is noticed before a play is lost at the usual
    pace.

    Args:
        seen: how many plays were new since the poll before this one; None where there was none before.
    """
    due = max(_when_too_many(habits, moment), moment + SHORTEST_WAIT)
    if seen is not None and seen >= MANY:
        due = min(due, moment + AFTER_MANY)
    return due


def same_time_before(since: datetime, until: datetime, *, timezone: str) -> list[tuple[datetime, datetime]]:
    """The same hours of the listener's week, in each of the WEEKS before.

    Of a time that is longer than a week, the last week is taken.
    """
    zone = _zone(timezone)
    since = max(since, until - _WEEK)
    distances = [week * _WEEK for week in range(1, WEEKS + 1)]
    return [(_earlier(since, each, zone), _earlier(until, each, zone)) for each in distances]


@dataclass(frozen=True)
class Waiting:
    """A connected listener, waiting to be polled.

    Args:
        polled_at: when they were polled last; None for never.
        due_at: when they are to be polled again; None for now.
        expected: how many plays have probably been made since the last poll.
    """

    user_id: UUID
    polled_at: datetime | None
    due_at: datetime | None
    expected: float

    @property
    def wait(self) -> timedelta | None:
        """How long they were to wait from poll to poll, if that is known."""
        if self.polled_at is None or self.due_at is None:
            return None
        return max(self.due_at - self.polled_at, SHORTEST_WAIT)

    def is_due(self, moment: datetime) -> bool:
        """Whether the time has come.

        It has, too, where the last poll lies in the future: a clock that was wrong and was put right must not
        silence anybody until that moment comes again.
        """
        return self.due_at is None or self.due_at <= moment or self._clock_was_wrong(moment)

    def has_waited(self, moment: datetime, *, stretch: float) -> bool:
        """Whether the wait would be over, too, if it were longer by this factor."""
        if self.polled_at is None or self.wait is None or self._clock_was_wrong(moment):
            return True
        return self.polled_at + self.wait * stretch <= moment

    def _clock_was_wrong(self, moment: datetime) -> bool:
        return self.polled_at is not None and self.polled_at > moment


@dataclass(frozen=True)
class Round:
    """Who is polled now, the most urgent first, and how many are due and have to wait for want of calls."""

    polled: Sequence[UUID]
    skipped: int


def choose(listeners: Iterable[Waiting], *, moment: datetime, room: int, left: timedelta) -> Round:
    """Whom to poll now.

    Where the calls that are left would not last, everybody waits longer by the same factor. Otherwise the
    first hours of the day would use all of them up, and nobody would be polled in the last ones.

    Args:
        room: how many calls are left.
        left: how long they have to last.
    """
    listeners = tuple(listeners)
    due = [each for each in listeners if each.is_due(moment)]
    needed = sum(left / each.wait for each in listeners if each.wait is not None)
    stretch = max(needed / room, 1.0) if room else 1.0
    chosen = [each for each in due if each.has_waited(moment, stretch=stretch)]
    chosen.sort(key=_urgency)
    polled = [each.user_id for each in chosen[:room]]
    return Round(polled=polled, skipped=len(due) - len(polled))


def _urgency(listener: Waiting) -> tuple[bool, float, float]:
    polled_at = listener.polled_at
    return polled_at is not None, -listener.expected, polled_at.timestamp() if polled_at is not None else 0.0


def _when_too_many(habits: Habits, moment: datetime) -> datetime:
    """When one of the two numbers reaches what it may be, quarter by quarter of the listener's clock."""
    # Reckoned in UTC: on a wall clock an hour is missing once a year, and comes twice.
    reached = moment.astimezone(UTC)
    expected = pessimistic = 0.0
    while True:
        local = reached.astimezone(habits.zone)
        quarter = _quarter_of_week(local)
        # Offsets of all zones are whole quarters, so these begin at the same moments everywhere.
        part = _QUARTER - timedelta(
            minutes=local.minute % 15, seconds=local.second, microseconds=local.microsecond
        )
        share = part / _QUARTER
        pace = habits.pace[quarter % _QUARTERS_OF_DAY]
        # Who may burst out at this time of the day is believed to do so on any day.
        if habits.usual is not None and quarter not in habits.usual and pace < BURST:
            pace *= MOST_PLAYS / MOST_UNUSUAL_PLAYS
        more = pace / _QUARTERS_OF_HOUR * share
        more_expected = habits.expected.get(quarter, 0.0) * share
        fits = (MOST_PLAYS - pessimistic) / more
        if more_expected:
            fits = min(fits, (MOST_PLAYS - expected) / more_expected)
        if fits <= 1.0:
            return reached + part * fits
        pessimistic += more
        expected += more_expected
        reached += part


def _paces(fastest: Sequence[float]) -> Sequence[float]:
    """For each quarter of the day the fastest hour that came within an hour of it.

    Args:
        fastest: for each quarter, the most plays within an hour that ended in it.
    """
    before, after = _QUARTERS_OF_HOUR, 2 * _QUARTERS_OF_HOUR
    paces = []
    for quarter in range(_QUARTERS_OF_DAY):
        near = range(quarter - before, quarter + after + 1)
        most = max(USUAL_PACE, *(fastest[each % _QUARTERS_OF_DAY] for each in near))
        paces.append(max(most, BURST_PACE) if most >= BURST else most)
    return paces


def _around(plays: Iterable[int]) -> frozenset[int]:
    near = range(-_QUARTERS_OF_HOUR, _QUARTERS_OF_HOUR + 1)
    return frozenset((quarter + distance) % _QUARTERS_OF_WEEK for quarter in plays for distance in near)


def _quarter_of_week(local: datetime) -> int:
    return local.weekday() * _QUARTERS_OF_DAY + local.hour * _QUARTERS_OF_HOUR + local.minute // 15


def _earlier(moment: datetime, by: timedelta, zone: ZoneInfo) -> datetime:
    """The same wall clock, so much earlier by the calendar; in UTC."""
    return (moment.astimezone(zone) - by).astimezone(UTC)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
