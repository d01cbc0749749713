"""Audio features as Spotify defined them, whoever supplies them."""

from typing import Final

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
