"""How long another server asks us to stay away."""

import math
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from spotify_insights.clock import now

# Quotas of up to 15 hours have been seen; nothing that is longer should be believed without asking again.
_LONGEST_WAIT: Final = timedelta(days=1)
_SHORTEST_WAIT: Final = timedelta(seconds=1)


def wait_asked_for(retry_after: str | None) -> timedelta | None:
    """The wait that a Retry-After header names, between a second and a day; None where it names none.

    Reads seconds and HTTP dates (RFC 9110, section 10.2.3).
    """
    if retry_after is None:
        return None
    seconds = _seconds(retry_after)
    if seconds is None:
        return None
    bounded = min(max(seconds, _SHORTEST_WAIT.total_seconds()), _LONGEST_WAIT.total_seconds())
    return timedelta(seconds=math.ceil(bounded))


def _seconds(retry_after: str) -> float | None:
    try:
        seconds = float(retry_after)
    except ValueError:
        return _seconds_until(retry_after)
    return None if math.isnan(seconds) else seconds


def _seconds_until(http_date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(http_date)
        # HTTP dates are always GMT; the parser leaves "-0000" and a missing zone naive.
        return (moment.replace(tzinfo=moment.tzinfo or UTC) - now()).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
