"""IANA time zones: a listener's days, hours and weeks are always their own."""

from functools import cache
from zoneinfo import available_timezones

from spotify_insights.errors import InvalidInputError


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


def check_timezone(name: str) -> str:
    """Return `name` where it is an IANA zone such as "Europe/Berlin".

    Raises:
        InvalidInputError: it is not.
    """
    if name not in _known():
        raise InvalidInputError(
            "The timezone is not known. Use an IANA name such as Europe/Berlin.", field="timezone"
        )
    return name
