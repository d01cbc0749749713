"""A pretend ReccoBeats beside the pretend Spotify: audio features of the tracks that it knows.

https://reccobeats.com/docs/apis/get-audio-features
"""

from dataclasses import asdict
from http import HTTPStatus
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from spotify_insights.pretend_spotify.catalogue import Track
from spotify_insights.pretend_spotify.payloads import Json
from spotify_insights.pretend_spotify.seeding import dice
from spotify_insights.pretend_spotify.state import state_of

RECCOBEATS_PREFIX: Final = "/reccobeats"
_MOST_IDS: Final = 40
# What it does not tell, though Spotify does.
_NOT_TOLD: Final = frozenset({"time_signature"})


async def _audio_features(request: Request) -> Response:
    ids = [part for given in request.query_params.getlist("ids") for part in given.split(",") if part]
    if not 1 <= len(ids) <= _MOST_IDS:
        refusal = {"timestamp": "", "error": f"size must be between 1 and {_MOST_IDS}", "status": 400}
        return JSONResponse(refusal, HTTPStatus.BAD_REQUEST)
    state = state_of(request)
    known = [state.catalogue.tracks[track_id] for track_id in ids if track_id in state.catalogue.tracks]
    # Unknown ids are left out without a word, and the order is its own.
    entries = [_entry(track) for track in known if state.settings.has_features(track.id)]
    return JSONResponse({"content": sorted(entries, key=lambda entry: str(entry["id"]))})


def _entry(track: Track) -> Json:
    features = {name: value for name, value in asdict(track.features).items() if name not in _NOT_TOLD}
    own_id = UUID(int=dice("reccobeats", track.id).getrandbits(128), version=4)
    return {
        "id": str(own_id),
        "href": f"https://open.spotify.com/track/{track.id}",
        "isrc": track.isrc,
        **features,
    }


RECCOBEATS_ROUTES: Final[list[BaseRoute]] = [
    Route(f"{RECCOBEATS_PREFIX}/v1/audio-features", _audio_features, methods=["GET"]),
]
