"""A listener's week: seven days of their own calendar, and when it is time to look back on it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

DAYS_OF_WEEK: Final = 7
_SATURDAY: Final = 5

# On Sunday the week is over and there is time to read.
_TOLD_AT: Final = time(9)

# Long enough for zones that are not on the full hour, and for a laptop that was shut over the weekend.
TOLD_WITHIN: Final = timedelta(hours=72)


@dataclass(frozen=True, order=True)
class Week:
    """The seven days from a Sunday to the Saturday `ends_on`, wherever the listener is.

    Raises:
        ValueError: `ends_on` is not a Saturday.
    """

    ends_on: date

    def __post_init__(self) -> None:
        if self.ends_on.weekday() != _SATURDAY:
            raise ValueError(f"A week ends on a Saturday; {self.ends_on} is none.")

    @property
    def begins_on(self) -> date:
        return self.ends_on - timedelta(days=DAYS_OF_WEEK - 1)

    @property
    def before(self) -> "Week":
        """The week that ended where this one begins."""
        return Week(self.ends_on - timedelta(days=DAYS_OF_WEEK))

    def bounds(self, timezone: str) -> tuple[datetime, datetime]:
        """The moments, in UTC, at which its first day begins and the day after its last one does.

        Days are 23 or 25 hours long where the clock changes. Where it skips midnight, the day begins with
        its first existing moment; where midnight comes twice, with the first of both.
        """
        zone = ZoneInfo(timezone)
        midnights = (self.begins_on, self.ends_on + timedelta(days=1))
        begins, ends = (_moment(day, time(), zone) for day in midnights)
        return begins, ends


def week_to_tell(timezone: str, moment: datetime) -> Week | None:
    """The week that ended with the listener's last Saturday, from Sunday 09:00 on their clock for three days.

    Worked out here and not by PostgreSQL, so that it agrees with every other local time of a listener.
    PostgreSQL has a copy of the IANA data of another age, takes CET for a fixed offset, and fails a whole
    statement for one zone that it does not know.

    Args:
        timezone: The listener's IANA zone.
        moment: The present, aware, by the database's clock.

    Returns:
        None where the last Sunday 09:00 is more than `TOLD_WITHIN` ago.
    """
    zone = ZoneInfo(timezone)
    today = moment.astimezone(zone).date()
    sunday = today - timedelta(days=today.isoweekday() % DAYS_OF_WEEK)
    if _moment(sunday, _TOLD_AT, zone) > moment:
        sunday -= timedelta(days=DAYS_OF_WEEK)
    if moment - _moment(sunday, _TOLD_AT, zone) > TOLD_WITHIN:
        return None
    return Week(sunday - timedelta(days=1))


def _moment(day: date, clock: time, zone: ZoneInfo) -> datetime:
    # In UTC at once: moments of one zone would be compared and subtracted by wall clock.
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)
