"""Facts about when music plays: parts of the day, the busiest hours, weekdays and weekends."""

import math
from typing import Final

from spotify_insights.insights.fact import Fact, Unit, clock_hour, count, points, share, wording
from spotify_insights.listening.snapshot import Rhythm, Snapshot

# With 100 plays a share of 30 % is known to about nine points (1.96 * sqrt(0.3 * 0.7 / 100)); with
# fewer the order of the parts of the day is a matter of luck. Plays come in sessions, so days matter too.
MIN_PLAYS: Final = 100
# Seven days are the first chance to have seen every weekday.
MIN_DAYS: Final = 7
# A weekend is compared with a week only after at least two of each.
MIN_DAYS_FOR_WEEKDAYS: Final = 14

# Parts of the day as (first hour, hour after the last). Heggli et al. (2021), doi 10.1098/rsos.210885,
# find blocks of this kind in two billion plays; the borders here are round hours that people use.
PARTS_OF_DAY: Final = {
    "late": (23, 5),
    "morning": (5, 9),
    "daytime": (9, 17),
    "evening": (17, 23),
}

# Three hours are about the longest run that people call one stretch.
BLOCK_HOURS: Final = 3

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def play_facts(snapshot: Snapshot) -> list[Fact]:
    """How many plays on how many days there are, and how many it takes; nothing without plays."""
    rhythm = snapshot.rhythm
    if rhythm is None or rhythm.plays < 1:
        return []
    facts = [count("plays", rhythm.plays, Unit.PLAYS), count("days", rhythm.days, Unit.DAYS)]
    if not _carries_a_habit(rhythm):
        facts += [
            count("plays_needed", MIN_PLAYS, Unit.PLAYS),
            count("days_needed", MIN_DAYS, Unit.DAYS),
        ]
    return facts


def hour_facts(snapshot: Snapshot) -> list[Fact]:
    """Shares of the plays per part of the day, the busiest hour and the busiest three-hour block.

    A part of the day without plays is left out: there is nothing to compare it with. Silent below
    `MIN_PLAYS` plays on `MIN_DAYS` days. Hours are in the listener's own time zone.
    """
    rhythm = snapshot.rhythm
    if rhythm is None or not _carries_a_habit(rhythm):
        return []
    hours = rhythm.hours
    peak = max(range(24), key=lambda hour: hours[hour])
    block = max(range(24), key=lambda hour: _between(hours, hour, hour + BLOCK_HOURS))
    return [
        *day_part_facts(hours),
        clock_hour("peak_hour", peak),
        share("peak_hour_share", hours[peak]),
        clock_hour("block_from", block),
        clock_hour("block_to", block + BLOCK_HOURS),
        share("block_share", _between(hours, block, block + BLOCK_HOURS)),
        points("hour_concentration", rhythm.concentration),
    ]


def day_part_facts(hours: tuple[float, ...]) -> list[Fact]:
    """Shares of the plays per part of the day, with its borders; a part without plays is left out."""
    facts: list[Fact] = []
    for part, (start, end) in PARTS_OF_DAY.items():
        plays = share(f"{part}_share", _between(hours, start, end))
        if plays.value:
            facts += [plays, clock_hour(f"{part}_from", start), clock_hour(f"{part}_to", end)]
    return facts


def week_facts(snapshot: Snapshot) -> list[Fact]:
    """The weekend's share of the plays, the busiest and the quietest weekday.

    Silent below `MIN_PLAYS` plays on `MIN_DAYS_FOR_WEEKDAYS` days.
    """
    rhythm = snapshot.rhythm
    if rhythm is None or not _carries_a_habit(rhythm) or rhythm.days < MIN_DAYS_FOR_WEEKDAYS:
        return []
    weekdays = rhythm.weekdays
    busiest = max(range(7), key=lambda day: weekdays[day])
    quietest = min(range(7), key=lambda day: weekdays[day])
    weekend = weekdays[5] + weekdays[6]
    facts = [
        share("weekend_share", weekend),
        share("workweek_share", 1.0 - weekend),
        wording("busiest_day", WEEKDAYS[busiest], Unit.WEEKDAY),
        share("busiest_day_share", weekdays[busiest]),
    ]
    if weekdays[quietest] < weekdays[busiest]:
        facts.append(wording("quietest_day", WEEKDAYS[quietest], Unit.WEEKDAY))
    return facts


def _carries_a_habit(rhythm: Rhythm) -> bool:
    complete = len(rhythm.hours) == 24 and len(rhythm.weekdays) == 7
    finite = all(math.isfinite(part) for part in (*rhythm.hours, *rhythm.weekdays, rhythm.concentration))
    return complete and finite and rhythm.plays >= MIN_PLAYS and rhythm.days >= MIN_DAYS


def _between(hours: tuple[float, ...], start: int, end: int) -> float:
    length = (end - start) % 24
    return sum(hours[(start + offset) % 24] for offset in range(length))
