"""Spotify's JSON objects, field by field, as each quota mode sees them.

Source: the Web API reference and the migration guide of February 2026,
https://developer.spotify.com/documentation/web-api/tutorials/february-2026-migration-guide
(with the reversal of March 2026: `external_ids` stayed).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from spotify_insights.pretend_spotify.accounts import Account
from spotify_insights.pretend_spotify.catalogue import Album, Artist, Track
from spotify_insights.pretend_spotify.config import Mode
from spotify_insights.pretend_spotify.day import Play
from spotify_insights.pretend_spotify.seeding import fraction

Json = Mapping[str, object]
_MARKETS: Final = ("AU", "DE", "GB", "IN", "PT", "SE", "US")
_COVER_SIZES: Final = (640, 300, 64)


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as in `played_at`; `moment` must be in UTC."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def milliseconds(moment: datetime) -> int:
    """Unix time in milliseconds, as in cursors."""
    return round(moment.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Payloads:
    """Draws up objects with links that lead back to `base_url`."""

    base_url: str
    mode: Mode

    @property
    def _extended(self) -> bool:
        return self.mode == Mode.EXTENDED

    def user(self, account: Account, scopes: tuple[str, ...]) -> Json:
        """The answer of `/v1/me`; extended mode tells more to whoever has the scopes for it."""
        user = {
            **self._link("users", "user", account.id),
            "account_id": account.account_id,
            "display_name": account.persona.display_name,
            "images": self._images(account.id, (300, 64)),
        }
        if self._extended:
            user["followers"] = {"href": None, "total": int(200 * fraction("followers", account.id))}
            if "user-read-email" in scopes:
                user["email"] = account.email
            if "user-read-private" in scopes:
                user["country"] = account.persona.country
                user["explicit_content"] = {"filter_enabled": False, "filter_locked": False}
                user["product"] = "premium"
        return user

    def track(self, track: Track) -> Json:
        payload = {
            **self._link("tracks", "track", track.id),
            "album": self._album(track.album),
            "artists": [self._artist_reference(artist) for artist in track.artists],
            "disc_number": 1,
            "duration_ms": track.duration_ms,
            "explicit": track.explicit,
            "external_ids": {"isrc": track.isrc},
            "is_local": False,
            "is_playable": True,
            "name": track.name,
            "preview_url": None,
            "track_number": track.track_number,
        }
        if self._extended:
            payload["available_markets"] = list(_MARKETS)
            payload["popularity"] = track.popularity
        return payload

    def artist(self, artist: Artist) -> Json:
        payload = {
            **self._link("artists", "artist", artist.id),
            "images": self._images(artist.id, _COVER_SIZES),
            "name": artist.name,
        }
        if self._extended:
            payload["followers"] = {"href": None, "total": artist.followers}
            payload["genres"] = list(artist.genres)
            payload["popularity"] = artist.popularity
        return payload

    def play(self, play: Play) -> Json:
        """A play of `recently-played`; `played_at` is its end, and how long it was heard is not told."""
        from_album = fraction("context", play.track.id, play.started_at) < 0.4
        link = self._link("albums", "album", play.track.album.id)
        return {
            "track": self.track(play.track),
            "played_at": timestamp(play.ended_at),
            "context": {name: link[name] for name in ("type", "href", "external_urls", "uri")}
            if from_album
            else None,
        }

    def audio_features(self, track: Track) -> Json:
        return {
            **asdict(track.features),
            "type": "audio_features",
            "id": track.id,
            "uri": f"spotify:track:{track.id}",
            "track_href": f"{self.base_url}/v1/tracks/{track.id}",
            "analysis_url": f"{self.base_url}/v1/audio-analysis/{track.id}",
            "duration_ms": track.duration_ms,
        }

    def _album(self, album: Album) -> Json:
        year_only = album.release_date_precision == "year"
        payload = {
            **self._link("albums", "album", album.id),
            "album_type": album.album_type,
            "artists": [self._artist_reference(artist) for artist in album.artists],
            "images": self._images(album.image_id, _COVER_SIZES),
            "name": album.name,
            "release_date": str(album.release_date.year) if year_only else album.release_date.isoformat(),
            "release_date_precision": album.release_date_precision,
            "total_tracks": album.total_tracks,
        }
        if self._extended:
            payload["available_markets"] = list(_MARKETS)
        return payload

    def _artist_reference(self, artist: Artist) -> Json:
        return {**self._link("artists", "artist", artist.id), "name": artist.name}

    def _images(self, image_id: str, sizes: tuple[int, ...]) -> list[Json]:
        url = f"{self.base_url}/image/{image_id}"
        return [{"url": f"{url}?size={size}", "height": size, "width": size} for size in sizes]

    def _link(self, plural: str, kind: str, identifier: str) -> dict[str, object]:
        """The five fields that every object begins with."""
        return {
            "external_urls": {"spotify": f"https://open.spotify.com/{kind}/{identifier}"},
            "href": f"{self.base_url}/v1/{plural}/{identifier}",
            "id": identifier,
            "type": kind,
            "uri": f"spotify:{kind}:{identifier}",
        }
