"""A pretend ListenBrainz beside the pretend Spotify: whose a user token is, and genres of artists.

https://listenbrainz.readthedocs.io/en/latest/users/api/core.html#get--1-validate-token
https://listenbrainz.readthedocs.io/en/latest/users/api/metadata.html
"""

from http import HTTPStatus
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from spotify_insights.pretend_spotify.personas import PERSONAS
from spotify_insights.pretend_spotify.seeding import dice
from spotify_insights.pretend_spotify.state import state_of

LISTENBRAINZ_PREFIX: Final = "/listenbrainz"


def user_token_of(persona_key: str, *, seed: int = 1) -> str:
    """The user token of a persona; equal seeds give equal tokens. Theirs are version 4 UUIDs, too."""
    return str(UUID(int=dice("listenbrainz", seed, persona_key).getrandbits(128), version=4))


async def _validate_token(request: Request) -> Response:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "token" or not token.strip():
        refusal = {"code": 400, "error": "You need to provide an Authorization header."}
        return JSONResponse(refusal, HTTPStatus.BAD_REQUEST)
    seed = state_of(request).config.seed
    names = {user_token_of(persona.key, seed=seed): persona.key for persona in PERSONAS}
    name = names.get(token.strip().lower())
    if name is None:
        return JSONResponse({"code": 200, "message": "Token invalid.", "valid": False})
    return JSONResponse({"code": 200, "message": "Token valid.", "valid": True, "user_name": name})


async def _lookup(request: Request) -> Response:
    """The recording of that title by that artist. People give genres, and other words as well."""
    artist, title = (request.query_params.get(name, "") for name in ("artist_name", "recording_name"))
    if not artist or not title:
        return JSONResponse({"code": 400, "error": "artist_name is invalid"}, HTTPStatus.BAD_REQUEST)
    tracks = state_of(request).catalogue.tracks.values()
    found = next((track for track in tracks if track.name == title and track.artists[0].name == artist), None)
    if found is None:
        return JSONResponse({})
    mbids = {performer.id: _mbid("artist", performer.id) for performer in found.artists}
    tags = [
        {
            "artist_mbid": mbids[performer.id],
            "count": 9 - place,
            "genre_mbid": _mbid("genre", name),
            "tag": name,
        }
        for performer in found.artists
        for place, name in enumerate(performer.genres)
    ]
    seen_live = [{"artist_mbid": mbid, "count": 40, "tag": "seen live"} for mbid in mbids.values()]
    credited = [{"artist_mbid": mbids[each.id], "name": each.name} for each in found.artists]
    return JSONResponse(
        {
            "recording_mbid": _mbid("recording", found.id),
            "artist_mbids": list(mbids.values()),
            "artist_credit_name": artist,
            "recording_name": title,
            "metadata": {"artist": {"artists": credited}, "tag": {"artist": [*seen_live, *tags]}},
        }
    )


def _mbid(*parts: str) -> str:
    return str(UUID(int=dice("musicbrainz", *parts).getrandbits(128), version=4))


async def _settings(request: Request) -> Response:
    """Where people find their token: those of everybody, because nobody here is real."""
    seed = state_of(request).config.seed
    lines = [f"{user_token_of(persona.key, seed=seed)}  {persona.display_name}" for persona in PERSONAS]
    return PlainTextResponse("\n".join(["User tokens of invented listeners:", "", *lines, ""]))


LISTENBRAINZ_ROUTES: Final[list[BaseRoute]] = [
    Route(f"{LISTENBRAINZ_PREFIX}/1/validate-token", _validate_token, methods=["GET"]),
    Route(f"{LISTENBRAINZ_PREFIX}/1/metadata/lookup/", _lookup, methods=["GET"]),
    Route(f"{LISTENBRAINZ_PREFIX}/settings", _settings, methods=["GET"]),
]
