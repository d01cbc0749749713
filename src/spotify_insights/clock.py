"""What time it is. Leases and schedules use the database's clock instead; see `jobs`."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


def today_in(timezone: str, moment: datetime) -> date:
    """The calendar day of `moment` for someone living in the IANA zone `timezone`."""
    return moment.astimezone(ZoneInfo(timezone)).date()
