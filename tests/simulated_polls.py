"""Listeners who are polled for weeks in a moment: how many calls that takes, and what the polls miss."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from spotify_insights.listening.poll_plan import LIST_LENGTH, REMEMBERED, habits_of, next_poll_at
from spotify_insights.pretend_spotify.listener import COUNTED_MS, listener_of

BEGIN: Final = datetime(2026, 9, 7, tzinfo=UTC)
A_MINUTE: Final = timedelta(minutes=1)
A_DAY: Final = timedelta(days=1)

# Plan the next poll: (plays held, moment, plays seen at this poll; None for the first).
Plan = Callable[[Sequence[datetime], datetime, int | None], datetime]


@dataclass(frozen=True)
class Outcome:
    """`most` is the greatest number of plays between two polls, `lost` how many no poll ever saw."""

    calls_a_day: float
    most: int
    lost: int
    polled_at: tuple[datetime, ...]


def plays_of(persona: str, *, seed: int = 1, days: int) -> list[datetime]:
    """When the counted plays of an invented listener ended, from three days before BEGIN on."""
    plays = listener_of(persona, seed).plays_between(BEGIN - 3 * A_DAY, BEGIN + days * A_DAY)
    return [play.ended_at for play in plays if play.ms_played >= COUNTED_MS]


def session(begins: datetime, *, plays: int, seconds_each: float) -> list[datetime]:
    """The ends of so many plays without a pause."""
    return [begins + timedelta(seconds=seconds_each * number) for number in range(1, plays + 1)]


def adaptive(timezone: str) -> Plan:
    """As the product plans."""

    def plan(held: Sequence[datetime], moment: datetime, seen: int | None) -> datetime:
        recent = held[bisect_right(held, moment - REMEMBERED) :]
        known_since = held[0] if held else None
        habits = habits_of(recent, timezone=timezone, moment=moment, known_since=known_since)
        return next_poll_at(habits, moment, seen=seen)

    return plan


def every(wait: timedelta) -> Plan:
    """The same wait at any hour."""
    return lambda _held, moment, _seen: moment + wait


def polled(
    plays: Sequence[datetime],
    plan: Plan,
    *,
    days: int,
    round_minutes: int = 5,
    late: timedelta = 4 * A_MINUTE,
) -> Outcome:
    """Poll somebody from BEGIN on, with a round over all listeners every so many minutes.

    Args:
        plays: when their plays end, in order.
        late: how long after the beginning of its round each poll is made.
    """
    held: list[datetime] = []
    moments: list[datetime] = []
    due, most, lost, begins = BEGIN, 0, 0, 0
    for minute in range(0, days * 24 * 60, round_minutes):
        now = BEGIN + minute * A_MINUTE
        if due > now:
            continue
        now += late
        until = bisect_right(plays, now)
        first = max(begins, until - LIST_LENGTH)
        if moments:
            most = max(most, until - begins)
            lost += first - begins
        held += plays[first:until]
        due = plan(held, now, until - first if moments else None)
        moments.append(now)
        begins = until
    return Outcome(calls_a_day=len(moments) / days, most=most, lost=lost, polled_at=tuple(moments))
