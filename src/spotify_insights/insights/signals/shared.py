"""Detectors that more than one insight uses: favourites, parts of the day, the week, thin evidence."""

from typing import Final

from spotify_insights.insights.evidence.sound import MIN_COVERAGE, MIN_TRACKS_PER_FEATURE
from spotify_insights.insights.signals import ordinary
from spotify_insights.insights.signals.signal import (
    Detector,
    Facts,
    Signal,
    Theme,
    above,
    as_standing,
    below,
    standing,
)

_PARTS_OF_DAY: Final[tuple[Detector, ...]] = (
    above("late_night", Theme.HOURS, "late_share", ordinary.LATE),
    above("morning", Theme.HOURS, "morning_share", ordinary.MORNING),
    above("daytime", Theme.HOURS, "daytime_share", ordinary.DAYTIME),
    above("evening", Theme.HOURS, "evening_share", ordinary.EVENING),
)

_all_hours: Final = below("all_hours", Theme.HOURS, "hour_concentration", ordinary.CONCENTRATION)

WEEK: Final[tuple[Detector, ...]] = (
    above("weekend", Theme.HOURS, "weekend_share", ordinary.WEEKEND),
    below("workweek", Theme.HOURS, "weekend_share", ordinary.WEEKEND),
)

busiest_hour: Final = as_standing(
    above("hours", Theme.HOURS, "peak_hour_share", ordinary.PEAK_HOUR, "peak_hour"), 0.5
)
fullest_block: Final = as_standing(
    above("block", Theme.HOURS, "block_share", ordinary.FULL_BLOCK, "block_from", "block_to"), 0.7
)


def sole_artist(facts: Facts) -> Signal | None:
    """Spotify ranks exactly one artist, who is named without company."""
    if "artist_1" not in facts or "artist_2" in facts:
        return None
    return Signal(kind="sole_artist", theme=Theme.FAVOURITES, strength=0.5, fact_ids=("artist_1",))


FAVOURITES: Final[tuple[Detector, ...]] = (
    above(
        "one_artist",
        Theme.FAVOURITES,
        "most_listed_share",
        ordinary.SHARE_OF_ONE_ARTIST,
        "most_listed_artist",
        "most_listed_tracks",
    ),
    below("close_circle", Theme.FAVOURITES, "distinct_artists_share", ordinary.DISTINCT_ARTISTS),
    above("open_circle", Theme.FAVOURITES, "distinct_artists_share", ordinary.DISTINCT_ARTISTS),
    standing("top_artists", Theme.FAVOURITES, 0.5, "artist_1", "artist_2"),
    sole_artist,
    standing("top_tracks", Theme.FAVOURITES, 0.4, "track_1"),
)


def part_of_day(facts: Facts) -> Signal | None:
    """The part of the day that stands out most, or `all_hours` where the whole clock is in use.

    Only one of them: on an even clock the six late hours hold a quarter of the plays, and that would
    look like a habit.
    """
    if (everywhere := _all_hours(facts)) is not None:
        return everywhere
    found = [signal for detect in _PARTS_OF_DAY if (signal := detect(facts)) is not None]
    return max(found, key=lambda signal: signal.strength, default=None)


def absent_favourite(facts: Facts) -> Signal | None:
    """The artist ranked first has no track in the ranked tracks: loved for the whole, not for a hit."""
    absent = facts.get("favourite_tracks")
    if absent is None or absent.value != 0:
        return None
    return Signal(
        kind="absent_favourite",
        theme=Theme.FAVOURITES,
        strength=1.5,
        fact_ids=("favourite_tracks", "artist_1", "tracks_listed"),
    )


def thin_sound(facts: Facts) -> Signal | None:
    """Top tracks are known, but too few have audio features to describe the sound."""
    if "coverage_share" not in facts or "mood_1" in facts or "scale" in facts:
        return None
    measured, covered = facts["tracks_measured"].number or 0.0, facts["coverage_share"].number or 0.0
    if measured >= MIN_TRACKS_PER_FEATURE and covered >= MIN_COVERAGE:
        # Enough tracks are known, but not these features: "too few tracks" would not be true.
        return None
    considered = "tracks_heard" if "tracks_heard" in facts else "tracks_considered"
    return Signal(
        kind="sound_thin" if measured else "sound_missing",
        theme=Theme.EVIDENCE,
        strength=0.0,
        fact_ids=("coverage_share", "tracks_measured", considered),
    )


def thin_rhythm(facts: Facts) -> Signal | None:
    """Too few plays for hours and weekdays, or none at all."""
    if "peak_hour" in facts:
        return None
    if "plays" not in facts:
        return Signal(kind="no_plays", theme=Theme.EVIDENCE, strength=0.0, fact_ids=("time_range",))
    return Signal(
        kind="rhythm_thin",
        theme=Theme.EVIDENCE,
        strength=0.0,
        fact_ids=("plays", "days", "plays_needed", "days_needed"),
    )


def no_favourites(facts: Facts) -> Signal | None:
    """Spotify ranks neither artists nor tracks for the period."""
    if "artist_1" in facts or "track_1" in facts or "ranked_by" not in facts:
        return None
    return Signal(kind="no_favourites", theme=Theme.EVIDENCE, strength=0.0, fact_ids=("time_range",))


EVIDENCE: Final[tuple[Detector, ...]] = (thin_sound, thin_rhythm, no_favourites)
