"""Genres of artists, which ListenBrainz knows from MusicBrainz, where people give and count them.

Sources: https://listenbrainz.readthedocs.io/en/latest/users/api/metadata.html (lookup),
https://musicbrainz.org/doc/Genre
"""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spotify_insights.listenbrainz.connection import ListenBrainzConnection
from spotify_insights.listenbrainz.errors import (
    ArtistRefusedError,
    GenresUnavailableError,
    ListenBrainzUpstreamError,
)
from spotify_insights.outbound.exchange import Answer

MOST_GENRES: Final = 5
_LOOKUP: Final = "/1/metadata/lookup/"
_LONGEST_NAME: Final = 500
# What no name or title can be the reason for.
_ABOUT_US: Final = frozenset([401, 403])
# 4xx that are no refusal: the request came too late or too early (RFC 9110, section 15.5.9; RFC 8470).
_PASSING: Final = frozenset([408, 425])

_Text = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class _Tag(_Part):
    tag: _Text
    count: int = 0
    artist_mbid: str | None = None
    # Only tags that MusicBrainz takes for a genre have one.
    genre_mbid: str | None = None


class _Tags(_Part):
    artist: tuple[_Tag, ...] = ()


class _Artist(_Part):
    artist_mbid: str | None = None
    name: str = ""


class _Artists(_Part):
    artists: tuple[_Artist, ...] = ()


class _Metadata(_Part):
    tag: _Tags = _Tags()
    artist: _Artists = _Artists()


class _Match(_Part):
    recording_mbid: str | None = None
    artist_mbids: tuple[str, ...] = ()
    metadata: _Metadata = _Metadata()


class ListenBrainzGenres(ListenBrainzConnection):
    """Asks for genres. As `ListenBrainzConnection`."""

    LARGEST_ANSWER_BYTES = 256 * 1024
    name: Final = "listenbrainz"

    def genres_of(self, artist: str, *, title: str) -> tuple[str, ...]:
        """The genres that most people gave this artist, five at most; none where it does not know them.

        One call. Safe to repeat.

        Args:
            title: of one of the artist's tracks; names alone are shared by too many.

        Raises:
            GenresUnavailableError: it refuses us.
            ArtistRefusedError: it refuses this question.
            ListenBrainzRateLimitedError, ListenBrainzUpstreamError: waiting helps.
        """
        parameters = {
            "artist_name": artist[:_LONGEST_NAME],
            "recording_name": title[:_LONGEST_NAME],
            "metadata": "true",
            "inc": "artist tag",
        }
        answer = self._get(_LOOKUP, at_once=False, parameters=parameters)
        if not isinstance(answer, Answer):
            raise answer
        if answer.status == 404:
            return ()
        if answer.status in _ABOUT_US:
            raise GenresUnavailableError(status=answer.status)
        if 400 <= answer.status < 500 and answer.status not in _PASSING:
            raise ArtistRefusedError(status=answer.status)
        if answer.status != 200:
            raise ListenBrainzUpstreamError(detail=f"status {answer.status}")
        return _genres_in(answer.body, artist)


def _genres_in(body: bytes, artist: str) -> tuple[str, ...]:
    try:
        match = _Match.model_validate_json(body)
    except ValidationError:
        raise ListenBrainzUpstreamError(detail="an answer that cannot be read") from None
    mbid = _artist_in(match, artist)
    if mbid is None:
        return ()
    counts: dict[str, int] = {}
    for tag in match.metadata.tag.artist:
        if tag.genre_mbid and tag.artist_mbid == mbid and tag.count > 0:
            name = tag.tag.casefold()
            counts[name] = max(tag.count, counts.get(name, 0))
    return tuple(sorted(counts, key=lambda name: (-counts[name], name))[:MOST_GENRES])


def _artist_in(match: _Match, artist: str) -> str | None:
    """The artist of that name in the match. The search is fuzzy: another name is somebody else."""
    for credited in match.metadata.artist.artists:
        if credited.name.casefold() == artist.casefold():
            return credited.artist_mbid
    return None
