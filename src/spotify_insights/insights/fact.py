"""A fact: one thing the evidence says, and the only wording of it that prose may use. Pure values."""

import math
from datetime import date
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Unit(StrEnum):
    """What a value counts or measures; the first seven are counts of things."""

    TRACKS = "tracks"
    ARTISTS = "artists"
    GENRES = "genres"
    PLAYS = "plays"
    DAYS = "days"
    HOURS = "hours"
    MOODS = "moods"
    SHARE = "share"
    POINTS = "points"
    BPM = "bpm"
    CLOCK_HOUR = "clock_hour"
    WEEKDAY = "weekday"
    DATE = "date"
    WORD = "word"
    TRACK_NAME = "track_name"
    ARTIST_NAME = "artist_name"
    GENRE_NAME = "genre_name"

    @property
    def is_name(self) -> bool:
        """Whether the text was written by somebody else and may contain anything."""
        return self in {Unit.TRACK_NAME, Unit.ARTIST_NAME, Unit.GENRE_NAME}


_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


class Rounding(StrEnum):
    """How `text` was made from `value`; halves are rounded up."""

    NONE = "none"
    WHOLE = "whole"
    WHOLE_UP = "whole_up"
    TENTH = "tenth"
    WHOLE_PERCENT = "whole_percent"
    WHOLE_HOUR = "whole_hour"


class Fact(BaseModel):
    """One statement of a brief.

    `value` is the number (at most four decimals, so that the JSON is stable) or the words;
    `text` is the exact rendering: prose that states this fact states it in these characters.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    value: int | float | str
    unit: Unit
    rounding: Rounding
    text: str

    @property
    def number(self) -> float | None:
        """The value as a number; None for words and names."""
        return None if isinstance(self.value, str) else float(self.value)


def share(fact_id: str, value: float) -> Fact:
    """A part of a whole, 0 to 1, in whole percent.

    Something is never written as nothing, nor almost everything as everything: 0.004 reads
    "under 1%" and 0.996 "over 99%".
    """
    part = _stable(min(1.0, max(0.0, value)))
    if 0.0 < part < 0.005:
        text = "under 1%"
    elif 0.995 <= part < 1.0:
        text = "over 99%"
    else:
        text = f"{_half_up(part * 100)}%"
    return Fact(id=fact_id, value=part, unit=Unit.SHARE, rounding=Rounding.WHOLE_PERCENT, text=text)


def count(fact_id: str, value: int, unit: Unit) -> Fact:
    """A number of things, with commas between thousands: "1,204"."""
    return Fact(id=fact_id, value=value, unit=unit, rounding=Rounding.NONE, text=f"{value:,}")


def tenths(fact_id: str, value: float, unit: Unit) -> Fact:
    """A quantity to one decimal: "2.7"."""
    return Fact(
        id=fact_id, value=_stable(value), unit=unit, rounding=Rounding.TENTH, text=f"{_stable(value):.1f}"
    )


def points(fact_id: str, value: float) -> Fact:
    """A feature between 0 and 1 in whole points out of 100: "71"."""
    part = _stable(min(1.0, max(0.0, value)))
    return Fact(
        id=fact_id,
        value=part,
        unit=Unit.POINTS,
        rounding=Rounding.WHOLE,
        text=str(_half_up(part * 100)),
    )


def margin(fact_id: str, value: float) -> Fact:
    """An uncertainty between 0 and 1 in points out of 100, rounded up: it is never understated."""
    part = _stable(min(1.0, max(0.0, value)))
    text = str(max(1, math.ceil(part * 100)))
    return Fact(id=fact_id, value=part, unit=Unit.POINTS, rounding=Rounding.WHOLE_UP, text=text)


def beats_per_minute(fact_id: str, value: float) -> Fact:
    """A tempo in whole beats per minute: "118"."""
    return Fact(
        id=fact_id,
        value=_stable(value),
        unit=Unit.BPM,
        rounding=Rounding.WHOLE,
        text=str(_half_up(value)),
    )


def clock_hour(fact_id: str, value: float) -> Fact:
    """A time of day in hours from midnight, to the nearest full hour: 23.4 reads "23:00"."""
    hour = _half_up(value) % 24
    return Fact(
        id=fact_id,
        value=_stable(value),
        unit=Unit.CLOCK_HOUR,
        rounding=Rounding.WHOLE_HOUR,
        text=f"{hour:02d}:00",
    )


def calendar_day(fact_id: str, day: date) -> Fact:
    """A day of the year: "15 November"; the value has the year, too."""
    text = f"{day.day} {_MONTHS[day.month - 1]}"
    return Fact(id=fact_id, value=day.isoformat(), unit=Unit.DATE, rounding=Rounding.NONE, text=text)


def wording(fact_id: str, text: str, unit: Unit = Unit.WORD) -> Fact:
    """Words that stand as they are: a mood, a weekday, a name made safe beforehand."""
    return Fact(id=fact_id, value=text, unit=unit, rounding=Rounding.NONE, text=text)


def _half_up(value: float) -> int:
    return math.floor(value + 0.5)


def _stable(value: float) -> float:
    # Adding 0.0 turns minus zero into zero, whose JSON would differ.
    return round(value, 4) + 0.0
