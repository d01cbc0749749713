"""What a weekly letter may notice: how much, who, what and when, compared with what came before."""

import math
from typing import Final

from spotify_insights.insights.evidence.week import MIN_DAYS_AWAY
from spotify_insights.insights.signals import ordinary
from spotify_insights.insights.signals.shared import part_of_day, thin_sound
from spotify_insights.insights.signals.signal import (
    MAX_STRENGTH,
    Detector,
    Facts,
    Signal,
    Theme,
    above,
    standing,
)
from spotify_insights.listening.week import DAYS_OF_WEEK

# A quarter more or less is noticed without counting, and below ten plays it is one album either way.
_NOTABLE_RATIO: Final = 1.25
_NOTABLE_CHANGE: Final = 10
# Within a tenth, or three plays of a small week, two weeks are alike.
_ALIKE: Final = 0.1
_ALIKE_PLAYS: Final = 3

_FEW_DAYS: Final = 2


def amount(facts: Facts) -> Signal | None:
    """More, less or as much as in the week before, or the first music after a silent one."""
    if "plays_before" not in facts:
        return None
    plays, before = _number(facts, "plays"), _number(facts, "plays_before")
    cited = ("plays", "plays_before")
    if before == 0:
        return Signal(kind="after_silence", theme=Theme.WEEK, strength=1.5, fact_ids=cited)
    change = _number(facts, "plays_change")
    strength = round(min(MAX_STRENGTH, abs(math.log(plays / before)) / math.log(_NOTABLE_RATIO)), 3)
    if strength >= 1.0 and change >= _NOTABLE_CHANGE:
        kind = "busier" if plays > before else "quieter"
        return Signal(kind=kind, theme=Theme.WEEK, strength=strength, fact_ids=(*cited, "plays_change"))
    if change <= max(_ALIKE_PLAYS, _ALIKE * before):
        return Signal(kind="steady", theme=Theme.WEEK, strength=0.6, fact_ids=cited)
    return None


def days_used(facts: Facts) -> Signal | None:
    """Music on every day, or on hardly any."""
    if "days" not in facts:
        return None
    days = _number(facts, "days")
    if days >= DAYS_OF_WEEK:
        return Signal(kind="every_day", theme=Theme.WEEK, strength=0.8, fact_ids=("days",))
    if days <= _FEW_DAYS:
        return Signal(kind="few_days", theme=Theme.WEEK, strength=1.2, fact_ids=("days",))
    return None


def comeback(facts: Facts) -> Signal | None:
    """Somebody is back after a long pause: the longer it was, the more it says."""
    if "comeback_artist" not in facts:
        return None
    strength = round(min(MAX_STRENGTH, 1.0 + _number(facts, "comeback_days") / (4 * MIN_DAYS_AWAY)), 3)
    cited = ("comeback_artist", "comeback_plays", "comeback_days")
    return Signal(kind="comeback", theme=Theme.FAVOURITES, strength=strength, fact_ids=cited)


def new_favourite(facts: Facts) -> Signal | None:
    """Somebody is new: the larger their part of the week, the more it says."""
    if "new_artist" not in facts:
        return None
    part = _number(facts, "new_artist_plays") / _number(facts, "plays")
    strength = round(min(MAX_STRENGTH, 1.1 + 5 * part), 3)
    cited = ("new_artist", "new_artist_plays", "history_days")
    return Signal(kind="new_favourite", theme=Theme.FAVOURITES, strength=strength, fact_ids=cited)


def artist_of_the_week(facts: Facts) -> Signal | None:
    """The artist ahead of all others, whether or not that stands out."""
    return _outstanding(facts) or _leading(facts)


def track_of_the_week(facts: Facts) -> Signal | None:
    """The track ahead of all others; `on_repeat` where the next one is far behind."""
    if "track_1_plays" not in facts:
        return None
    cited = ("track_1", "track_1_plays")
    if "repeat_plays" in facts:
        strength = round(min(MAX_STRENGTH, 1.0 + 10 * _number(facts, "track_1_share")), 3)
        return Signal(kind="on_repeat", theme=Theme.FAVOURITES, strength=strength, fact_ids=cited)
    return Signal(kind="track_of_the_week", theme=Theme.FAVOURITES, strength=0.55, fact_ids=cited)


def fullest_day(facts: Facts) -> Signal | None:
    """The day ahead of all others, whether or not that stands out."""
    return _full_day(facts) or _fuller_day(facts)


def mood_of_the_week(facts: Facts) -> Signal | None:
    """One mood leads the music, or none does."""
    if "mood_1" not in facts:
        return None
    centre, notable = ordinary.LEADING_MOOD
    strength = round(min(MAX_STRENGTH, (_number(facts, "mood_1_share") - centre) / notable), 3)
    if strength >= 1.0:
        cited: tuple[str, ...] = ("mood_1", "mood_1_share")
        return Signal(kind="mood_leads", theme=Theme.MOOD, strength=strength, fact_ids=cited)
    also = ("mood_2", "mood_2_share") if "mood_2" in facts else ()
    cited = ("mood_1", "mood_1_share", *also)
    return Signal(kind="mood_mixed", theme=Theme.MOOD, strength=0.7, fact_ids=cited)


def no_comparison(facts: Facts) -> Signal | None:
    """The history begins too late for a comparison."""
    if "plays" not in facts or "plays_before" in facts:
        return None
    return Signal(kind="no_comparison", theme=Theme.EVIDENCE, strength=0.0, fact_ids=("plays",))


def _number(facts: Facts, fact_id: str) -> float:
    return facts[fact_id].number or 0.0


_outstanding: Final = above(
    "artist_of_the_week",
    Theme.FAVOURITES,
    "lead_artist_share",
    ordinary.SHARE_OF_LEADING_ARTIST,
    "lead_artist",
    "lead_artist_plays",
)
_leading: Final = standing(
    "artist_of_the_week", Theme.FAVOURITES, 0.65, "lead_artist", "lead_artist_plays", "lead_artist_share"
)
_full_day: Final = above(
    "fullest_day",
    Theme.HOURS,
    "busiest_day_share",
    ordinary.FULLEST_DAY,
    "busiest_day",
    "busiest_day_plays",
)
_fuller_day: Final = standing("fullest_day", Theme.HOURS, 0.5, "busiest_day", "busiest_day_plays")

DETECTORS: Final[tuple[Detector, ...]] = (
    amount,
    days_used,
    standing("variety", Theme.WEEK, 0.3, "tracks_played"),
    comeback,
    new_favourite,
    artist_of_the_week,
    track_of_the_week,
    standing("most_played_artists", Theme.FAVOURITES, 0.5, "artist_1", "artist_2"),
    part_of_day,
    fullest_day,
    mood_of_the_week,
    thin_sound,
    no_comparison,
)
