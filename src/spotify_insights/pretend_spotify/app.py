"""The pretend Spotify as an ASGI app: `/authorize`, `/api/token`, `/v1/…` and, if asked for, `/_pretend/`.

Beside it a little of a pretend ListenBrainz, under `/listenbrainz`, and of a pretend ReccoBeats, under
`/reccobeats`.
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from spotify_insights.pretend_spotify.authorize import AUTHORIZE_ROUTES
from spotify_insights.pretend_spotify.config import PretendSpotifyConfig
from spotify_insights.pretend_spotify.control import CONTROL_PREFIX, CONTROL_ROUTES, ControlError
from spotify_insights.pretend_spotify.covers import COVER_ROUTES
from spotify_insights.pretend_spotify.failures import AuthorizePageError, OAuthError, WebApiError
from spotify_insights.pretend_spotify.fault_injection import FaultInjection
from spotify_insights.pretend_spotify.listenbrainz import LISTENBRAINZ_ROUTES
from spotify_insights.pretend_spotify.personas import PERSONAS
from spotify_insights.pretend_spotify.reccobeats import RECCOBEATS_ROUTES
from spotify_insights.pretend_spotify.request_log import RequestLogging
from spotify_insights.pretend_spotify.state import PretendSpotify
from spotify_insights.pretend_spotify.token_endpoint import TOKEN_ROUTES
from spotify_insights.pretend_spotify.warming import warm_up
from spotify_insights.pretend_spotify.web_api import WEB_API_ROUTES


def create_pretend_spotify(config: PretendSpotifyConfig) -> Starlette:
    """A Spotify of its own: two apps share nothing but worked-out listening, which never changes.

    It serves one event loop in one process; its memory ends with it.
    """
    state = PretendSpotify(config)
    routes = [
        *(*AUTHORIZE_ROUTES, *TOKEN_ROUTES, *WEB_API_ROUTES, *COVER_ROUTES),
        *(*LISTENBRAINZ_ROUTES, *RECCOBEATS_ROUTES),
    ]
    if config.control:
        routes += CONTROL_ROUTES
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(RequestLogging, log=lambda: state.log, now=state.now, spare=CONTROL_PREFIX),
            Middleware(FaultInjection, faults=lambda: state.faults, spare=CONTROL_PREFIX),
        ],
        exception_handlers={
            WebApiError: _refuse,
            OAuthError: _refuse,
            AuthorizePageError: _explain,
            ControlError: _explain,
            HTTPException: _no_such_route,
        },
        lifespan=_lifespan,
    )
    app.state.pretend_spotify = state
    return app


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    state: PretendSpotify = app.state.pretend_spotify
    if not state.config.warm_up:
        yield
        return
    keys = sorted((persona.key for persona in PERSONAS), key=lambda key: key != state.config.demo_persona)
    stop = threading.Event()
    work = asyncio.create_task(
        asyncio.to_thread(warm_up, keys, seed=state.config.seed, at=state.now(), stop=stop)
    )
    yield
    stop.set()
    await work


async def _refuse(_request: Request, error: Exception) -> Response:
    if not isinstance(error, WebApiError | OAuthError):
        raise error
    return JSONResponse(error.body, error.status)


async def _explain(_request: Request, error: Exception) -> Response:
    if not isinstance(error, AuthorizePageError | ControlError):
        raise error
    return PlainTextResponse(str(error), error.status)


async def _no_such_route(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    status = HTTPStatus(error.status_code)
    message = "Service not found" if status is HTTPStatus.NOT_FOUND else status.phrase
    return JSONResponse(WebApiError(status, message).body, status, error.headers)
