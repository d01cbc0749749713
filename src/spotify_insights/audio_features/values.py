"""Audio features as Spotify defined them, whoever supplies them."""

from collections.abc import Mapping
from math import isfinite
from typing import Final, Self

from pydantic import BaseModel, ConfigDict

FEATURE_NAMES: Final = (
    "danceability",
    "energy",
    "valence",
    "acousticness",
    "instrumentalness",
    "liveness",
    "speechiness",
    "tempo",
    "loudness",
)

LIMITS: Final[Mapping[str, tuple[float, float]]] = {
    **dict.fromkeys(FEATURE_NAMES[:7], (0.0, 1.0)),
    # Wider than any value that Spotify gave: public sets end at 30 and 250 beats, -60 and 7 dB.
    "tempo": (20.0, 300.0),
    "loudness": (-80.0, 20.0),
}
"""The smallest and the largest possible value of each feature."""

NO_BEAT: Final = 0.0
"""What stands for an unknown tempo: Spotify gave it where it found no beat."""


class AudioFeatures(BaseModel):
    """Features of one track; None where the provider does not know.

    All lie in [0, 1] but `tempo` (beats per minute) and `loudness` (dB, about -60 to 0).
    Source of the scale: Spotify Web API reference, "Get Track's Audio Features".
    """

    # A NaN would spread into every mean it takes part in.
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    danceability: float | None = None
    energy: float | None = None
    valence: float | None = None
    acousticness: float | None = None
    instrumentalness: float | None = None
    liveness: float | None = None
    speechiness: float | None = None
    tempo: float | None = None
    loudness: float | None = None

    @property
    def is_complete(self) -> bool:
        """Whether every feature is known."""
        return all(getattr(self, name) is not None for name in FEATURE_NAMES)

    @property
    def is_empty(self) -> bool:
        """Whether none is."""
        return all(getattr(self, name) is None for name in FEATURE_NAMES)

    def completed_by(self, other: "AudioFeatures") -> Self:
        """These, and from `other` what they do not know."""
        missing = {name: getattr(other, name) for name in FEATURE_NAMES if getattr(self, name) is None}
        return self.model_copy(update=missing)


def believable(told: Mapping[str, object]) -> AudioFeatures:
    """What somebody else's entry says, by name; a feature that is no number or cannot be is unknown."""
    return AudioFeatures(**{name: _believable(name, told.get(name)) for name in FEATURE_NAMES})


def _believable(name: str, value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    low, high = LIMITS[name]
    # Compared first: a whole number of any length is no reason to fall.
    return float(value) if low <= value <= high and isfinite(value) else None
