"""What a productivity insight may notice: when music plays and how it sounds. Never what it does to work."""

from typing import Final

from spotify_insights.insights.signals import ordinary
from spotify_insights.insights.signals.shared import EVIDENCE, FAVOURITES, WEEK, fullest_block, part_of_day
from spotify_insights.insights.signals.signal import (
    Detector,
    Theme,
    above,
    as_standing,
    below,
    standing,
)

# Whom somebody plays matters less here than when and how: favourites speak up where little else can.
_FAVOURITES: Final = 0.5

DETECTORS: Final[tuple[Detector, ...]] = (
    part_of_day,
    standing("split_day", Theme.HOURS, 0.8, "daytime_share", "evening_share"),
    fullest_block,
    *WEEK,
    above("energy_high", Theme.SOUND, "energy", ordinary.ENERGY, "scale"),
    below("energy_low", Theme.SOUND, "energy", ordinary.ENERGY, "scale"),
    below("energy_even", Theme.SOUND, "energy_spread", ordinary.ENERGY_SPREAD, "energy", "scale"),
    above("energy_swing", Theme.SOUND, "energy_spread", ordinary.ENERGY_SPREAD, "energy", "scale"),
    standing("levels", Theme.SOUND, 0.65, "energy", "energy_margin", "scale"),
    above("tempo_fast", Theme.SOUND, "tempo", ordinary.TEMPO),
    below("tempo_slow", Theme.SOUND, "tempo", ordinary.TEMPO),
    standing("tempo", Theme.SOUND, 0.6, "tempo"),
    above("instrumental", Theme.VOICES, "instrumentalness", ordinary.INSTRUMENTALNESS, "scale"),
    above("wordy", Theme.VOICES, "speechiness", ordinary.SPEECHINESS, "scale"),
    as_standing(below("vocal", Theme.VOICES, "instrumentalness", ordinary.VOCALS, "scale"), 0.57),
    standing("sung", Theme.VOICES, 0.55, "instrumentalness", "scale"),
    *(as_standing(detect, _FAVOURITES) for detect in FAVOURITES),
    *EVIDENCE,
)
