"""The fields we read of what Spotify sends; foreign JSON goes no further than this.

Development mode leaves out much of what the reference documents, so a field is required only where
an object would be useless without it. Unknown fields are ignored; every payload is a frozen value.
Sources: the Spotify Web API reference, and for what development mode no longer sends
https://developer.spotify.com/documentation/web-api/references/changes/february-2026
"""

from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FiniteFloat,
    ValidationError,
    model_validator,
)

from spotify_insights.outbound.exchange import Answer
from spotify_insights.spotify.errors import UpstreamError


class Payload(BaseModel):
    # A validation error must not quote what Spotify sent: it belongs to a listener.
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


PayloadType = TypeVar("PayloadType", bound=Payload)


def read_payload(answer: Answer, shape: type[PayloadType], *, source: str) -> PayloadType:
    """The body of `answer` as a `shape`.

    Raises:
        UpstreamError: the body is no JSON or lacks a field that `shape` requires; `source` is named.
    """
    try:
        return shape.model_validate_json(answer.body)
    except ValidationError:
        # The validation error holds the body, so the one raised must not lead back to it.
        unreadable = UpstreamError(detail=f"cannot read what {source} sent", status=answer.status)
    raise unreadable


def _empty_if_null(value: Any) -> Any:
    return () if value is None else value


def _is_in_catalogue(track: Any) -> bool:
    """False for a local file, which has no id to look anything up by, and for a withdrawn track (null)."""
    return not (track is None or (isinstance(track, dict) and not track.get("id")))


def _catalogue_tracks(items: Any) -> Any:
    return [item for item in items if _is_in_catalogue(item)] if isinstance(items, list) else items


def _plays_of_catalogue_tracks(items: Any) -> Any:
    if not isinstance(items, list):
        return items
    return [item for item in items if not isinstance(item, dict) or _is_in_catalogue(item.get("track"))]


def _without_nulls(items: Any) -> Any:
    return [item for item in items if item is not None] if isinstance(items, list) else items


def _without_nul(text: str) -> str:
    return text.replace("\x00", "")


# JSON may name the one character that PostgreSQL's text cannot hold; one odd title must not stop a job.
Text = Annotated[str, AfterValidator(_without_nul)]


class ImagePayload(Payload):
    """A picture; `width` and `height` are pixels and often unknown."""

    url: str
    width: int | None = None
    height: int | None = None


Images = Annotated[tuple[ImagePayload, ...], BeforeValidator(_empty_if_null)]


class ProfilePayload(Payload):
    """The listener who gave consent (GET /v1/me).

    `account_id` never changes and is what accounts are linked by; apps older than May 2026 may not
    receive it. `email` comes in extended mode only, and with a scope we do not ask for.
    """

    id: Text
    account_id: Text | None = None
    display_name: Text | None = None
    email: Text | None = None

    @property
    def stable_id(self) -> str:
        """What to recognise this listener by: `account_id`, else `id`."""
        return self.account_id or self.id


class ArtistReferencePayload(Payload):
    """An artist as a track or album names it; `id` is None where Spotify has no page for them."""

    id: Text | None = None
    name: Text


class AlbumPayload(Payload):
    """`release_date` is a year, a month or a day, as in 1981, 1981-12 or 1981-12-15."""

    id: Text | None = None
    name: Text
    release_date: Text | None = None
    images: Images = ()


class ExternalIdsPayload(Payload):
    isrc: Text | None = None


class TrackPayload(Payload):
    """A track of the catalogue. `duration_ms` is its full length, whatever was played of it."""

    id: Text
    name: Text
    artists: Annotated[tuple[ArtistReferencePayload, ...], BeforeValidator(_empty_if_null)] = ()
    album: AlbumPayload | None = None
    duration_ms: int | None = None
    explicit: bool | None = None
    external_ids: ExternalIdsPayload | None = None

    @property
    def isrc(self) -> str | None:
        """The recording's international code, shared between releases of the same recording."""
        return self.external_ids.isrc if self.external_ids else None


class ArtistPayload(Payload):
    """An artist with a page of their own. Development mode sends no genres, or null: both read as ()."""

    id: Text
    name: Text
    genres: Annotated[tuple[Text, ...], BeforeValidator(_empty_if_null)] = ()
    images: Images = ()


class TopTracksPayload(Payload):
    """Best first. Local files are left out."""

    items: Annotated[tuple[TrackPayload, ...], BeforeValidator(_catalogue_tracks)]


class TopArtistsPayload(Payload):
    """Best first."""

    items: tuple[ArtistPayload, ...]


class PlayPayload(Payload):
    """One play. `played_at` is when it ENDED, so it began at most the track's duration earlier."""

    track: TrackPayload
    played_at: AwareDatetime


class CursorsPayload(Payload):
    """Unix milliseconds as text: `after` continues towards now, `before` towards the past."""

    after: str | None = None
    before: str | None = None


class RecentlyPlayedPayload(Payload):
    """The latest plays, newest first. `cursors` is None where there is nothing newer.

    `told` is how many plays Spotify told, with those that are left out of `items`.
    """

    items: Annotated[tuple[PlayPayload, ...], BeforeValidator(_plays_of_catalogue_tracks)]
    cursors: CursorsPayload | None = None
    told: int = 0

    @model_validator(mode="before")
    @classmethod
    def _count(cls, data: Any) -> Any:
        items = data.get("items") if isinstance(data, dict) else None
        return data | {"told": len(items)} if isinstance(items, list) else data


class AudioFeaturesPayload(Payload):
    """All in [0, 1] but `tempo` (beats per minute) and `loudness` (dB, about -60 to 0)."""

    id: Text
    danceability: FiniteFloat | None = None
    energy: FiniteFloat | None = None
    valence: FiniteFloat | None = None
    acousticness: FiniteFloat | None = None
    instrumentalness: FiniteFloat | None = None
    liveness: FiniteFloat | None = None
    speechiness: FiniteFloat | None = None
    tempo: FiniteFloat | None = None
    loudness: FiniteFloat | None = None


class AudioFeaturesBatchPayload(Payload):
    """Spotify sends null for each id it does not know; those are left out."""

    audio_features: Annotated[tuple[AudioFeaturesPayload, ...], BeforeValidator(_without_nulls)]
