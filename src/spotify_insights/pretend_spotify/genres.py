"""How each genre sounds: the centre around which its tracks' audio features lie.

The features are Spotify's (Web API reference, "Get Track's Audio Features"); the centres are chosen so
that they hang together as they do in real music, for example quiet, acoustic and slow in ambient.
"""

from dataclasses import dataclass
from random import Random
from typing import Final


@dataclass(frozen=True, slots=True)
class Genre:
    """The centres of a genre: shares in [0, 1], `tempo` in beats per minute, `minutes` a typical length."""

    name: str
    artist_names: str
    track_titles: str
    energy: float
    valence: float
    danceability: float
    acousticness: float
    instrumentalness: float
    speechiness: float
    tempo: float
    tempo_spread: float
    minutes: float
    minor: float
    explicit: float = 0.02


@dataclass(frozen=True, slots=True)
class AudioFeatures:
    """What Spotify's audio analysis says about one track, in Spotify's own units."""

    danceability: float
    energy: float
    key: int
    loudness: float
    mode: int
    speechiness: float
    acousticness: float
    instrumentalness: float
    liveness: float
    valence: float
    tempo: float
    time_signature: int


# Neighbours in this list, as on a circle, share listeners.
# Columns: name, artists, titles; energy, valence, danceability, acousticness, instrumentalness,
# speechiness; tempo, its spread, minutes, minor, explicit.
GENRES: Final = (
    Genre("americana", "band", "song", 0.48, 0.48, 0.55, 0.52, 0.02, 0.03, 116, 20, 3.8, 0.16),
    Genre("indie folk", "band", "song", 0.34, 0.33, 0.47, 0.74, 0.09, 0.04, 112, 18, 3.7, 0.38),
    Genre("sad indie", "band", "song", 0.38, 0.22, 0.50, 0.58, 0.06, 0.04, 108, 17, 3.6, 0.52, 0.08),
    Genre("dream pop", "band", "song", 0.52, 0.30, 0.46, 0.32, 0.31, 0.04, 114, 16, 4.2, 0.45),
    Genre("synth pop", "band", "song", 0.75, 0.68, 0.67, 0.10, 0.06, 0.05, 120, 9, 3.6, 0.40),
    Genre("ambient", "producer", "piece", 0.13, 0.13, 0.23, 0.86, 0.90, 0.04, 86, 20, 4.8, 0.40),
    Genre("neoclassical", "ensemble", "piece", 0.11, 0.17, 0.32, 0.95, 0.90, 0.04, 94, 22, 3.4, 0.50),
    Genre("jazz", "ensemble", "piece", 0.36, 0.51, 0.53, 0.78, 0.55, 0.05, 112, 24, 4.9, 0.42),
    Genre("lo-fi beats", "producer", "piece", 0.30, 0.42, 0.68, 0.60, 0.82, 0.06, 80, 6, 2.3, 0.45),
    Genre("hip hop", "mc", "song", 0.65, 0.50, 0.74, 0.16, 0.02, 0.25, 96, 21, 3.2, 0.50, 0.72),
    Genre("soul", "person", "song", 0.48, 0.58, 0.61, 0.42, 0.03, 0.06, 98, 16, 3.7, 0.40, 0.08),
    Genre("afrobeats", "mc", "song", 0.71, 0.74, 0.79, 0.24, 0.03, 0.12, 107, 9, 3.1, 0.48, 0.12),
    Genre("latin pop", "person", "song", 0.73, 0.72, 0.75, 0.21, 0.01, 0.08, 101, 13, 3.3, 0.45, 0.10),
    Genre("pop", "person", "song", 0.70, 0.64, 0.68, 0.16, 0.01, 0.07, 117, 14, 3.2, 0.35, 0.12),
    Genre("disco", "producer", "club", 0.79, 0.80, 0.77, 0.10, 0.12, 0.05, 118, 5, 3.9, 0.45),
    Genre("house", "producer", "club", 0.80, 0.55, 0.80, 0.05, 0.58, 0.06, 124, 3, 5.1, 0.55),
    Genre("techno", "producer", "club", 0.88, 0.26, 0.74, 0.03, 0.84, 0.06, 133, 5, 5.9, 0.62),
    Genre("drum and bass", "producer", "club", 0.91, 0.36, 0.56, 0.03, 0.46, 0.09, 174, 2, 4.4, 0.60, 0.05),
    Genre("metal", "band", "song", 0.94, 0.27, 0.39, 0.01, 0.17, 0.10, 138, 26, 4.4, 0.55, 0.15),
    Genre("indie rock", "band", "song", 0.74, 0.52, 0.51, 0.09, 0.06, 0.05, 131, 20, 3.6, 0.34, 0.05),
)


def _share(value: float, places: int = 3) -> float:
    """A share kept off the very edges, where the real analysis hardly ever lands."""
    return round(min(max(value, 0.004), 0.994), places)


def draw_features(genre: Genre, roll: Random, *, intensity: float, brightness: float) -> AudioFeatures:
    """Features of one track around the centre of `genre`.

    `intensity` and `brightness` are standard scores that an artist's tracks share: the first moves
    energy and loudness up and acousticness down together, the second valence and the major mode.
    """
    intensity = 0.6 * intensity + 0.8 * roll.gauss(0, 1)
    brightness = 0.6 * brightness + 0.8 * roll.gauss(0, 1)
    # A genre far from the middle of the scale has less room to vary on it.
    room = 0.05 + 0.3 * genre.energy * (1 - genre.energy)
    energy = _share(genre.energy + room * intensity)
    minor = genre.minor - 0.12 * brightness
    instrumental = genre.instrumentalness + roll.gauss(0, 0.07)
    return AudioFeatures(
        danceability=_share(genre.danceability + 0.05 * brightness + roll.gauss(0, 0.06)),
        energy=energy,
        key=roll.randrange(12),
        loudness=round(min(-24 + 20 * energy + roll.gauss(0, 1.2), -1.0), 3),
        mode=0 if roll.random() < minor else 1,
        speechiness=_share(genre.speechiness * (0.75 + 0.5 * roll.random()) + 0.005, 4),
        acousticness=_share(genre.acousticness - 0.08 * intensity + roll.gauss(0, 0.06)),
        instrumentalness=_share(instrumental) if instrumental > 0.1 else round(roll.random() ** 6, 6),
        liveness=_share(0.11 + 0.2 * roll.random() ** 3),
        valence=_share(genre.valence + (0.06 + 0.25 * genre.valence * (1 - genre.valence)) * brightness),
        tempo=round(min(max(roll.gauss(genre.tempo, genre.tempo_spread), 52), 212), 3),
        time_signature=roll.choices((4, 3, 5), (92, 7, 1))[0],
    )
