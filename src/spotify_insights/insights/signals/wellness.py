"""What a wellness insight may notice: moods of the music, its hours, its company. Never the listener."""

from typing import Final

from spotify_insights.insights.signals import ordinary
from spotify_insights.insights.signals.shared import EVIDENCE, FAVOURITES, WEEK, busiest_hour, part_of_day
from spotify_insights.insights.signals.signal import (
    MAX_STRENGTH,
    Detector,
    Facts,
    Signal,
    Theme,
    standing,
)

# More than half of the music in the leading pair is a statement about the pair.
_PAIR_LEADS: Final = 0.55


def leading_mood(facts: Facts) -> Signal | None:
    """One mood leads (`mood_calm` and so on), a pair leads, or none does."""
    if "mood_1" not in facts:
        return None
    first = facts["mood_1_share"].number or 0.0
    strength = round((first - ordinary.LEADING_MOOD.centre) / ordinary.LEADING_MOOD.notable, 3)
    if strength >= 1.0:
        return Signal(
            kind=f"mood_{facts['mood_1'].text}",
            theme=Theme.MOOD,
            strength=min(MAX_STRENGTH, strength),
            fact_ids=("mood_1", "mood_1_share"),
        )
    pair = facts.get("mood_pair_share")
    if pair is not None and (pair.number or 0.0) >= _PAIR_LEADS:
        return Signal(
            kind="mood_pair",
            theme=Theme.MOOD,
            strength=0.9,
            fact_ids=("mood_1", "mood_1_share", "mood_2", "mood_2_share"),
        )
    # Evenly mixed moods are rarer than a leading pair, and worth a little more.
    return Signal(kind="mood_spread", theme=Theme.MOOD, strength=1.2, fact_ids=("mood_1", "mood_1_share"))


DETECTORS: Final[tuple[Detector, ...]] = (
    leading_mood,
    standing("levels", Theme.MOOD, 0.5, "energy", "energy_margin", "valence", "valence_margin", "scale"),
    part_of_day,
    busiest_hour,
    *WEEK,
    standing("week", Theme.HOURS, 0.3, "weekend_share", "busiest_day"),
    *FAVOURITES,
    *EVIDENCE,
)
