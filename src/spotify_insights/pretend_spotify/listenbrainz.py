"""A pretend ListenBrainz beside the pretend Spotify: enough of it to say whose a user token is.

https://listenbrainz.readthedocs.io/en/latest/users/api/core.html#get--1-validate-token
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


async def _settings(request: Request) -> Response:
    """Where people find their token: those of everybody, because nobody here is real."""
    seed = state_of(request).config.seed
    lines = [f"{user_token_of(persona.key, seed=seed)}  {persona.display_name}" for persona in PERSONAS]
    return PlainTextResponse("\n".join(["User tokens of invented listeners:", "", *lines, ""]))


LISTENBRAINZ_ROUTES: Final[list[BaseRoute]] = [
    Route(f"{LISTENBRAINZ_PREFIX}/1/validate-token", _validate_token, methods=["GET"]),
    Route(f"{LISTENBRAINZ_PREFIX}/settings", _settings, methods=["GET"]),
]
