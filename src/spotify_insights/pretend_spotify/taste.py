"""What a persona likes in a given fortnight: a library whose favourites rise and fall over the months."""

from bisect import bisect
from dataclasses import dataclass
from itertools import accumulate
from math import sin, tau
from random import Random
from typing import Final, NamedTuple

from spotify_insights.pretend_spotify.catalogue import Catalogue, Track
from spotify_insights.pretend_spotify.personas import Persona
from spotify_insights.pretend_spotify.seeding import dice

# Ranks count from here on, so that one song does not drown the rest (the shift of Zipf and Mandelbrot).
_RANK_SHIFT: Final = 3
_REMEMBERED: Final = 6000


class _Wave(NamedTuple):
    """Affection that comes and goes: `steady + swing * sin(pace * day + phase)`, in arbitrary units."""

    steady: float
    swing: float
    pace: float
    phase: float


def _wave(roll: Random, *, shortest: float, longest: float) -> _Wave:
    """A wave with a period between `shortest` and `longest` days."""
    return _Wave(
        steady=roll.gauss(0, 0.7),
        swing=0.5 + roll.random(),
        pace=tau / roll.uniform(shortest, longest),
        phase=tau * roll.random(),
    )


@dataclass(frozen=True, slots=True)
class _Repertoire:
    """One artist's tracks; affection for the artist lifts them all."""

    wave: _Wave
    tracks: tuple[tuple[Track, _Wave], ...]

    def scores(self, day: float) -> list[tuple[float, str, Track]]:
        """Each track with its score, the best lowest, and its id to break ties."""
        steady, swing, pace, phase = self.wave
        artist = steady + swing * sin(pace * day + phase)
        return [
            (-artist - steady - swing * sin(pace * day + phase), track.id, track)
            for track, (steady, swing, pace, phase) in self.tracks
        ]


def _repertoire(tracks: tuple[Track, ...], roll: Random) -> _Repertoire:
    artist_wave = _wave(roll, shortest=250, longest=1000)
    return _Repertoire(
        artist_wave, tuple((track, _wave(roll, shortest=120, longest=700)) for track in tracks)
    )


class Taste:
    """One listener's taste over all time; each fortnight follows from the seed alone, in any order.

    A fortnight begins on a proleptic ordinal day that fourteen divides; its number is the quotient.
    """

    def __init__(self, persona: Persona, catalogue: Catalogue, seed: int) -> None:
        self._persona = persona
        self._seed = seed
        self._library: dict[str, list[_Repertoire]] = {}
        self._zipf_sums: dict[str, list[float]] = {}
        self._ranked: dict[tuple[int, str], list[Track]] = {}
        roll = dice("taste", persona.key, seed)
        # Sorted, since the dice must fall the same way whatever order a mapping or a set has.
        for genre in sorted({genre for habit in persona.habits for genre in habit.genres}):
            artists = catalogue.artists_of_genre[genre]
            chosen = roll.sample(artists, min(persona.artists_per_genre, len(artists)))
            repertoires = [_repertoire(catalogue.tracks_of_artist[artist.id], roll) for artist in chosen]
            size = sum(len(repertoire.tracks) for repertoire in repertoires)
            self._library[genre] = repertoires
            self._zipf_sums[genre] = list(
                accumulate((rank + _RANK_SHIFT) ** -persona.steepness for rank in range(size))
            )

    def draw(self, fortnight: int, genre: str, roll: Random) -> Track:
        """A track of the genre as the dice fall: by Zipf's law, so the fortnight's favourites most."""
        sums = self._zipf_sums[genre]
        return self.favourites(fortnight, genre)[bisect(sums, roll.random() * sums[-1])]

    def favourites(self, fortnight: int, genre: str) -> list[Track]:
        """The whole library of the genre, best first."""
        ranked = self._ranked.get((fortnight, genre))
        if ranked is None:
            if len(self._ranked) >= _REMEMBERED:
                self._ranked.clear()
            day = 14.0 * fortnight
            scored = [score for repertoire in self._library[genre] for score in repertoire.scores(day)]
            ranked = self._ranked[fortnight, genre] = [track for *_, track in sorted(scored)]
        return ranked

    def obsession(self, fortnight: int) -> Track | None:
        """The song to which the fortnight belongs, if it belongs to one."""
        roll = dice("obsession", self._persona.key, self._seed, fortnight)
        if roll.random() >= self._persona.obsession_chance:
            return None
        favourites = self.favourites(fortnight, roll.choice(sorted(self._library)))
        return favourites[roll.randrange(min(12, len(favourites)))]
