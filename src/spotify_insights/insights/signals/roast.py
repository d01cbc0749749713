"""What a roast may notice: taste, repetition and hours. Mood, and so valence, is out of bounds."""

from typing import Final

from spotify_insights.insights.signals import ordinary
from spotify_insights.insights.signals.shared import (
    EVIDENCE,
    FAVOURITES,
    absent_favourite,
    busiest_hour,
    part_of_day,
)
from spotify_insights.insights.signals.signal import (
    Detector,
    Facts,
    Signal,
    Theme,
    above,
    below,
)

_EXTREMES: Final[tuple[Detector, ...]] = (
    above("energy_high", Theme.SOUND, "energy", ordinary.ENERGY, "scale"),
    below("energy_low", Theme.SOUND, "energy", ordinary.ENERGY, "scale"),
    above("tempo_fast", Theme.SOUND, "tempo", ordinary.TEMPO),
    below("tempo_slow", Theme.SOUND, "tempo", ordinary.TEMPO),
    above("acoustic", Theme.SOUND, "acousticness", ordinary.ACOUSTICNESS, "scale"),
    above("instrumental", Theme.SOUND, "instrumentalness", ordinary.INSTRUMENTALNESS, "scale"),
    above("danceable", Theme.SOUND, "danceability", ordinary.DANCEABILITY, "scale"),
    below("undanceable", Theme.SOUND, "danceability", ordinary.DANCEABILITY, "scale"),
    above("wordy", Theme.SOUND, "speechiness", ordinary.SPEECHINESS, "scale"),
    below("same_level", Theme.SOUND, "energy_spread", ordinary.ENERGY_SPREAD, "scale"),
)


def middle_of_the_road(facts: Facts) -> Signal | None:
    """No feature stands out, which is a finding in itself."""
    cited = ("energy", "danceability", "scale")
    if any(fact_id not in facts for fact_id in cited) or any(detect(facts) for detect in _EXTREMES):
        return None
    return Signal(kind="middle", theme=Theme.SOUND, strength=1.0, fact_ids=cited)


DETECTORS: Final[tuple[Detector, ...]] = (
    *FAVOURITES,
    absent_favourite,
    above("streak", Theme.FAVOURITES, "streak_tracks", ordinary.STREAK, "streak_artist"),
    *_EXTREMES,
    middle_of_the_road,
    above("one_genre", Theme.GENRES, "genre_1_share", ordinary.LEADING_GENRE, "genre_1", "tagged_artists"),
    above("many_genres", Theme.GENRES, "distinct_genres", ordinary.GENRES, "genre_1", "tagged_artists"),
    part_of_day,
    busiest_hour,
    *EVIDENCE,
)
