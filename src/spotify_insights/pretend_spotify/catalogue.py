"""The music there is: fictional artists, albums and tracks, the same for everybody with one seed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import cycle, islice
from random import Random
from types import MappingProxyType
from typing import Final

from spotify_insights.pretend_spotify import vocabulary
from spotify_insights.pretend_spotify.genres import GENRES, AudioFeatures, Genre, draw_features
from spotify_insights.pretend_spotify.naming import ARTIST_NAMES, TRACK_TITLES, unused_name
from spotify_insights.pretend_spotify.seeding import dice

ARTISTS: Final = 400
TRACKS: Final = 6000
_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Everything is released before any listener begins, so that nobody plays a track from the future.
_RELEASES_END: Final = date(2025, 3, 28)
_OLDEST_RELEASE_DAYS: Final = 365 * 24


@dataclass(frozen=True, slots=True, eq=False)
class Artist:
    id: str
    name: str
    genres: tuple[str, ...]
    popularity: int
    followers: int


@dataclass(frozen=True, slots=True, eq=False)
class Album:
    id: str
    name: str
    album_type: str
    artists: tuple[Artist, ...]
    total_tracks: int
    release_date: date
    release_date_precision: str
    label: str
    popularity: int
    image_id: str


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    id: str
    name: str
    artists: tuple[Artist, ...]
    album: Album
    track_number: int
    duration_ms: int
    explicit: bool
    isrc: str
    popularity: int
    features: AudioFeatures


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All music, by id and by genre; an artist's tracks are those where the artist is named first."""

    artists: Mapping[str, Artist]
    tracks: Mapping[str, Track]
    artists_of_genre: Mapping[str, tuple[Artist, ...]]
    tracks_of_artist: Mapping[str, tuple[Track, ...]]


def spotify_like_id(roll: Random) -> str:
    """22 characters of base 62, as Spotify's ids are."""
    return "".join(roll.choices(_BASE62, k=22))


@lru_cache(maxsize=4)
def catalogue_of(seed: int) -> Catalogue:
    """The catalogue of `seed`: 400 artists, 6000 tracks; built once per process."""
    roll = dice("catalogue", seed)
    genres = dict(zip(_draw_artists(roll), cycle(GENRES), strict=False))
    artists_of_genre = {genre.name: tuple(a for a, of in genres.items() if of is genre) for genre in GENRES}
    tracks_of_artist: dict[str, tuple[Track, ...]] = {}
    serials = iter(range(10_000, 10_000 + TRACKS))
    for artist, count in zip(genres, _share_out(roll), strict=True):
        guests = artists_of_genre[genres[artist].name]
        discography = _Discography(roll, artist, genres[artist], guests=guests, serials=serials)
        tracks_of_artist[artist.id] = tuple(discography.tracks(count))
    return Catalogue(
        artists=MappingProxyType({artist.id: artist for artist in genres}),
        tracks=MappingProxyType({track.id: track for own in tracks_of_artist.values() for track in own}),
        artists_of_genre=MappingProxyType(artists_of_genre),
        tracks_of_artist=MappingProxyType(tracks_of_artist),
    )


def _draw_artists(roll: Random) -> Iterator[Artist]:
    used: set[str] = set()
    for genre in islice(cycle(GENRES), ARTISTS):
        popularity = int(12 + 75 * roll.random() ** 1.6)
        yield Artist(
            id=spotify_like_id(roll),
            name=unused_name(ARTIST_NAMES[genre.artist_names], roll, used),
            genres=_labels(genre, roll),
            popularity=popularity,
            followers=int(40 * 1.17**popularity * (0.7 + 0.6 * roll.random())),
        )


def _labels(genre: Genre, roll: Random) -> tuple[str, ...]:
    """The genre itself and, for some artists, a neighbour; Spotify tags artists with several."""
    if roll.random() < 0.35:
        neighbour = GENRES[(GENRES.index(genre) + roll.choice((1, -1))) % len(GENRES)]
        return (genre.name, neighbour.name)
    return (genre.name,)


def _share_out(roll: Random) -> list[int]:
    """How many tracks each artist has; TRACKS together."""
    counts = [roll.randint(6, 24) for _ in range(ARTISTS)]
    position = 0
    while (missing := TRACKS - sum(counts)) != 0:
        counts[position % ARTISTS] += 1 if missing > 0 else -1
        position += 1
    return counts


class _Discography:
    """One artist's releases, drawn one after the other."""

    def __init__(
        self,
        roll: Random,
        artist: Artist,
        genre: Genre,
        *,
        guests: tuple[Artist, ...],
        serials: Iterator[int],
    ) -> None:
        self._roll = roll
        self._artist = artist
        self._genre = genre
        self._guests = guests
        self._serials = serials
        self._titles: set[str] = set()
        self._intensity = roll.gauss(0, 1)
        self._brightness = roll.gauss(0, 1)

    def tracks(self, count: int) -> Iterator[Track]:
        while count > 0:
            size = min(count, self._roll.choice((1, 1, 2, 4, 5, 8, 9, 10, 11, 12)))
            count -= size
            titles = [
                unused_name(TRACK_TITLES[self._genre.track_titles], self._roll, self._titles)
                for _ in range(size)
            ]
            album = self._album(titles)
            for number, title in enumerate(titles, start=1):
                yield self._track(album, number, title)

    def _album(self, titles: list[str]) -> Album:
        roll = self._roll
        released = _RELEASES_END - timedelta(days=int(_OLDEST_RELEASE_DAYS * roll.random() ** 1.8))
        return Album(
            id=spotify_like_id(roll),
            name=roll.choice(titles),
            # Spotify knows no EP: anything short is a single.
            album_type="album" if len(titles) > 6 else "single",
            artists=(self._artist,),
            total_tracks=len(titles),
            release_date=released,
            release_date_precision="year" if released.year < 2006 and roll.random() < 0.5 else "day",
            label=roll.choice(vocabulary.LABELS),
            popularity=self._near(self._artist.popularity),
            image_id=f"ab67616d0000b273{roll.getrandbits(96):024x}",
        )

    def _track(self, album: Album, number: int, title: str) -> Track:
        roll, genre = self._roll, self._genre
        guest = roll.choice(self._guests) if roll.random() < 0.07 else self._artist
        minutes = genre.minutes * min(max(roll.gauss(1, 0.18), 0.5), 1.9)
        return Track(
            id=spotify_like_id(roll),
            name=title if guest is self._artist else f"{title} (feat. {guest.name})",
            artists=(self._artist,) if guest is self._artist else (self._artist, guest),
            album=album,
            track_number=number,
            duration_ms=int(minutes * 60_000) + roll.randrange(1000),
            explicit=roll.random() < genre.explicit,
            # QZ is one of the ISRC agency's prefixes; PRT is nobody's registrant here.
            isrc=f"QZPRT{album.release_date.year % 100:02d}{next(self._serials):05d}",
            popularity=self._near(self._artist.popularity - 8),
            features=draw_features(genre, roll, intensity=self._intensity, brightness=self._brightness),
        )

    def _near(self, popularity: int) -> int:
        return min(max(popularity + self._roll.randint(-12, 12), 0), 100)
