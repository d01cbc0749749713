"""The routes under `/v1`: profile, top items, recently played, audio features.

https://developer.spotify.com/documentation/web-api
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from spotify_insights.pretend_spotify.affinity import top_artists_on, top_tracks_on
from spotify_insights.pretend_spotify.config import Mode
from spotify_insights.pretend_spotify.day import Play
from spotify_insights.pretend_spotify.failures import WebApiError
from spotify_insights.pretend_spotify.listener import TIME_RANGES, listener_of, midnight_before
from spotify_insights.pretend_spotify.payloads import Json, Payloads, milliseconds
from spotify_insights.pretend_spotify.state import state_of
from spotify_insights.pretend_spotify.tokens import AccessToken

_PAGE: Final = 20
_LONGEST_PAGE: Final = 50
_MOST_IDS: Final = 100
_ID_LENGTH: Final = 22


def _base_url(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _payloads(request: Request) -> Payloads:
    return Payloads(_base_url(request), state_of(request).settings.mode)


def _authenticated(request: Request, scope: str | None = None) -> AccessToken:
    """The caller's token; raises WebApiError where it is missing, wrong, expired or lacks `scope`."""
    header = request.headers.get("authorization")
    if header is None:
        raise WebApiError(HTTPStatus.UNAUTHORIZED, "No token provided")
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "bearer":
        raise WebApiError(HTTPStatus.BAD_REQUEST, "Only valid bearer authentication supported")
    token = state_of(request).authorizations.holder_of(value.strip())
    if scope is not None and scope not in token.scopes:
        raise WebApiError(HTTPStatus.FORBIDDEN, "Insufficient client scope")
    return token


def _whole_number(
    request: Request, name: str, *, default: int, lowest: int, highest: int | None = None
) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    number = int(text) if text.isdecimal() and text.isascii() else -1
    if number < lowest or (highest is not None and number > highest):
        raise WebApiError(HTTPStatus.BAD_REQUEST, f"Invalid {name}")
    return number


async def _me(request: Request) -> Response:
    token = _authenticated(request)
    return JSONResponse(_payloads(request).user(token.account, token.scopes))


async def _top_items(request: Request) -> Response:
    token = _authenticated(request, "user-top-read")
    time_range = request.query_params.get("time_range", "medium_term")
    if time_range not in TIME_RANGES:
        raise WebApiError(HTTPStatus.BAD_REQUEST, "Invalid time range")
    limit = _whole_number(request, "limit", default=_PAGE, lowest=1, highest=_LONGEST_PAGE)
    offset = _whole_number(request, "offset", default=0, lowest=0)
    state, payloads = state_of(request), _payloads(request)
    wanted = (token.account.persona.key, state.config.seed, time_range, midnight_before(state.now()))
    page = slice(offset, offset + limit)
    if request.path_params["kind"] == "tracks":
        tracks = top_tracks_on(*wanted)
        items, total = [payloads.track(track) for track in tracks[page]], len(tracks)
    elif request.path_params["kind"] == "artists":
        artists = top_artists_on(*wanted)
        items, total = [payloads.artist(artist) for artist in artists[page]], len(artists)
    else:
        raise WebApiError(HTTPStatus.NOT_FOUND, "Service not found")
    return JSONResponse(
        _offset_page(request, items, time_range=time_range, limit=limit, offset=offset, total=total)
    )


def _offset_page(
    request: Request, items: Sequence[Json], *, time_range: str, limit: int, offset: int, total: int
) -> Json:
    def link(to: int) -> str:
        query = urlencode({"time_range": time_range, "limit": limit, "offset": to})
        return f"{_base_url(request)}{request.url.path}?{query}"

    return {
        "href": link(offset),
        "items": items,
        "limit": limit,
        "next": link(offset + limit) if offset + limit < total else None,
        "offset": offset,
        "previous": link(max(offset - limit, 0)) if offset > 0 else None,
        "total": total,
    }


async def _recently_played(request: Request) -> Response:
    token = _authenticated(request, "user-read-recently-played")
    limit = _whole_number(request, "limit", default=_PAGE, lowest=1, highest=_LONGEST_PAGE)
    after, before = _cursor(request, "after"), _cursor(request, "before")
    if after is not None and before is not None:
        raise WebApiError(HTTPStatus.BAD_REQUEST, "Only one of 'after' and 'before' can be specified")
    state = state_of(request)
    listener = listener_of(token.account.persona.key, state.config.seed)
    plays = listener.recently_played(state.now(), limit, after, before)
    return JSONResponse(_cursor_page(request, plays, limit=limit, forwards=after is not None))


def _cursor(request: Request, name: str) -> datetime | None:
    """A Unix time in milliseconds as a moment; far-off values are cut down to the year 9000."""
    if name not in request.query_params:
        return None
    value = _whole_number(request, name, default=0, lowest=0)
    return datetime.fromtimestamp(min(value, 221_845_392_000_000) / 1000, UTC)


def _cursor_page(request: Request, plays: Sequence[Play], *, limit: int, forwards: bool) -> Json:
    """A page with `cursors` null where there is nothing.

    A full page links on even if nothing follows, as Spotify does
    (https://github.com/spotify/web-api/issues/1405).
    """
    address = f"{_base_url(request)}{request.url.path}"
    cursors = following = None
    if plays:
        cursors = {
            "after": str(milliseconds(plays[0].ended_at)),
            "before": str(milliseconds(plays[-1].ended_at)),
        }
        if len(plays) == limit:
            onwards = "after" if forwards else "before"
            following = f"{address}?{urlencode({onwards: cursors[onwards], 'limit': limit})}"
    payloads = _payloads(request)
    return {
        "href": f"{address}?{request.url.query}" if request.url.query else address,
        "items": [payloads.play(play) for play in plays],
        "limit": limit,
        "next": following,
        "cursors": cursors,
    }


def _withdrawn(request: Request) -> bool:
    """Whether the app lost audio features in November 2024, as every app in development mode did."""
    return state_of(request).settings.mode == Mode.DEVELOPMENT


def _forbidden() -> WebApiError:
    # The observed body has no message: https://github.com/jwilsson/spotify-web-api-php/issues/281
    return WebApiError(HTTPStatus.FORBIDDEN, None)


async def _several_audio_features(request: Request) -> Response:
    _authenticated(request)
    if _withdrawn(request):
        raise _forbidden()
    ids = [part for part in request.query_params.get("ids", "").split(",") if part]
    if not ids:
        raise WebApiError(HTTPStatus.BAD_REQUEST, "Missing required field: ids")
    if len(ids) > _MOST_IDS:
        raise WebApiError(HTTPStatus.BAD_REQUEST, "Too many ids requested")
    return JSONResponse({"audio_features": [_features_or_none(request, track_id) for track_id in ids]})


async def _audio_features(request: Request) -> Response:
    _authenticated(request)
    if _withdrawn(request):
        raise _forbidden()
    track_id: str = request.path_params["id"]
    if len(track_id) != _ID_LENGTH or not track_id.isalnum():
        raise WebApiError(HTTPStatus.BAD_REQUEST, "Invalid id")
    features = _features_or_none(request, track_id)
    if features is None:
        raise WebApiError(HTTPStatus.NOT_FOUND, "analysis not found")
    return JSONResponse(features)


def _features_or_none(request: Request, track_id: str) -> Json | None:
    state = state_of(request)
    track = state.catalogue.tracks.get(track_id)
    if track is None or not state.settings.has_features(track_id):
        return None
    return _payloads(request).audio_features(track)


WEB_API_ROUTES: Final[list[BaseRoute]] = [
    Route("/v1/me", _me),
    Route("/v1/me/top/{kind}", _top_items),
    Route("/v1/me/player/recently-played", _recently_played),
    Route("/v1/audio-features", _several_audio_features),
    Route("/v1/audio-features/{id}", _audio_features),
]
