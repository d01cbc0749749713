"""The tracks of an invented export: the catalogue's first, then as many more as years of listening need."""

import json
from collections.abc import Iterator
from itertools import chain, islice
from random import Random
from typing import Final, NamedTuple

from spotify_insights.pretend_spotify.catalogue import Track, catalogue_of, spotify_like_id
from spotify_insights.pretend_spotify.naming import ARTIST_NAMES, TRACK_TITLES
from spotify_insights.pretend_spotify.seeding import dice

# The pretend Spotify's own, which therefore knows the favourites of an export.
_CATALOGUE_SEED: Final = 1
_SELDOM: Final = (
    "Ночь", "夜明け", "Çiçek", "Łódź", "Ångström", "صحراء", "서울", "Über", "Niño", "🌙", "Zoë", "Ελπίδα",
    'the "Other" Side', "Left\\Right", "{Live},{Again}", "}, {", "Tab\there", "Ⅷ", "ﬁn",
)  # fmt: skip


class ExportedTrack(NamedTuple):
    """Names as JSON text, ready to be written."""

    name: str
    artist: str
    album: str
    id: str
    duration_ms: int


def exported_tracks(count: int, *, seed: int) -> list[ExportedTrack]:
    """`count` different tracks, the listener's favourites first; the same for the same seed."""
    catalogue = list(catalogue_of(_CATALOGUE_SEED).tracks.values())
    dice("exported favourites", seed).shuffle(catalogue)
    known = map(_of_the_catalogue, catalogue)
    return list(islice(chain(known, _invented(dice("exported tracks", seed))), count))


def _of_the_catalogue(track: Track) -> ExportedTrack:
    return ExportedTrack(
        name=_json(track.name),
        # The export names the artist of the album.
        artist=_json(track.album.artists[0].name),
        album=_json(track.album.name),
        id=track.id,
        duration_ms=track.duration_ms,
    )


def _invented(roll: Random) -> Iterator[ExportedTrack]:
    artist_names, titles = list(ARTIST_NAMES.values()), list(TRACK_TITLES.values())
    while True:
        artist = _json(_seldom(roll.choice(artist_names)(roll), roll))
        title_of = roll.choice(titles)
        for _ in range(roll.randint(1, 4)):
            album = _json(_seldom(title_of(roll), roll))
            for _ in range(roll.choice((1, 1, 2, 5, 9, 10, 11, 12))):
                name = _json(_seldom(title_of(roll), roll))
                yield ExportedTrack(
                    name, artist, album, spotify_like_id(roll), roll.randrange(90_000, 420_000)
                )


def _seldom(name: str, roll: Random) -> str:
    """Now and then with a word that is not ASCII, or looks like JSON."""
    return f"{name} {roll.choice(_SELDOM)}" if roll.random() < 0.12 else name


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
