"""Genres of artists, which ListenBrainz knows from MusicBrainz, where people give and count them.

Sources: https://listenbrainz.readthedocs.io/en/latest/users/api/metadata.html (lookup),
https://musicbrainz.org/doc/Genre
"""

import time
from datetime import timedelta
from typing import Annotated, Final

import httpx2
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spotify_insights.errors import PermanentError
from spotify_insights.listenbrainz.client import API_URL
from spotify_insights.listenbrainz.errors import ListenBrainzRateLimitedError, ListenBrainzUpstreamError
from spotify_insights.observability import get_logger
from spotify_insights.outbound.exchange import Answer, Exchanges, headers_with
from spotify_insights.outbound.retry_after import wait_asked_for

MOST_GENRES: Final = 5
_LOOKUP: Final = "/1/metadata/lookup/"
_LONGEST_NAME: Final = 500
_WAIT_WHERE_NONE_IS_NAMED: Final = timedelta(seconds=10)
_log = get_logger(__name__)

_Text = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]


class GenresUnavailableError(PermanentError):
    """ListenBrainz does not tell this installation genres, however often it is asked."""

    code = "listenbrainz_genres_unavailable"


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


class ListenBrainzGenres:
    """A pool of connections to ListenBrainz, shared by all threads of a process.

    Args:
        api_url: where its API lives, without `/1`.
        transport: carries the requests; the default opens sockets that respect `total_limit`.
        total_limit: the longest that one exchange may take from first to last byte.
    """

    name: Final = "listenbrainz"

    def __init__(
        self,
        *,
        api_url: str = API_URL,
        transport: httpx2.BaseTransport | None = None,
        total_limit: timedelta = timedelta(seconds=15),
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._exchanges = Exchanges(transport=transport, total_limit=total_limit, body_limit=256 * 1024)

    def close(self) -> None:
        """Close all connections. Safe to repeat."""
        self._exchanges.close()

    def genres_of(self, artist: str, *, title: str) -> tuple[str, ...]:
        """The genres that most people gave this artist, five at most; none where it does not know them.

        One call. Safe to repeat.

        Args:
            title: of one of the artist's tracks; names alone are shared by too many.

        Raises:
            GenresUnavailableError: it refuses us.
            ListenBrainzRateLimitedError, ListenBrainzUpstreamError: waiting helps.
        """
        started = time.monotonic()
        answer = self._exchanges.exchange(
            httpx2.Request(
                "GET",
                self._api_url + _LOOKUP,
                params={
                    "artist_name": artist[:_LONGEST_NAME],
                    "recording_name": title[:_LONGEST_NAME],
                    "metadata": "true",
                    "inc": "artist tag",
                },
                headers=headers_with(None),
            )
        )
        status = answer.status if isinstance(answer, Answer) else None
        elapsed = round((time.monotonic() - started) * 1000)
        _log.info("listenbrainz call", method="GET", path=_LOOKUP, status=status, ms=elapsed)
        if not isinstance(answer, Answer):
            raise ListenBrainzUpstreamError(detail=answer.detail)
        if answer.status == 429:
            raise ListenBrainzRateLimitedError(
                wait=wait_asked_for(answer.retry_after) or _WAIT_WHERE_NONE_IS_NAMED
            )
        if answer.status == 404:
            return ()
        if 400 <= answer.status < 500:
            raise GenresUnavailableError(
                f"ListenBrainz does not tell us genres (status {answer.status}). If this stays, switch them "
                "off with GENRE_TAGS=off."
            )
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
