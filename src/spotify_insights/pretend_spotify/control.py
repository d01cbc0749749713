"""The control surface under `/_pretend/`: how a test or an operator makes things happen."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from http import HTTPStatus
from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from spotify_insights.pretend_spotify.config import Mode, RefreshTokenAnswer
from spotify_insights.pretend_spotify.faults import FAULT
from spotify_insights.pretend_spotify.payloads import timestamp
from spotify_insights.pretend_spotify.state import PretendSpotify, state_of

CONTROL_PREFIX: Final = "/_pretend/"
T = TypeVar("T")


class ControlError(Exception):
    """A control request that makes no sense; the message says why."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class _Order(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClockOrder(_Order):
    advance_seconds: float = Field(ge=0)


class UserOrder(_Order):
    """`user_id` None means everybody."""

    user_id: str | None = None


class SettingsOrder(_Order):
    """What is None stays as it is."""

    mode: Mode | None = None
    refresh_token_answer: RefreshTokenAnswer | None = None
    feature_coverage: float | None = Field(default=None, ge=0, le=1)
    tracks_without_features: frozenset[str] | None = None


async def _order(request: Request, shape: TypeAdapter[T]) -> T:
    try:
        return shape.validate_json(await request.body() or b"{}")
    except ValidationError as error:
        raise ControlError(str(error)) from error


async def _queue_fault(request: Request) -> Response:
    fault = await _order(request, FAULT)
    state_of(request).faults.add(fault)
    return JSONResponse(fault.model_dump(), HTTPStatus.CREATED)


async def _pending_faults(request: Request) -> Response:
    return JSONResponse({"faults": [fault.model_dump() for fault in state_of(request).faults.pending()]})


async def _clear_faults(request: Request) -> Response:
    state_of(request).faults.clear()
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def _read_clock(request: Request) -> Response:
    return JSONResponse({"now": timestamp(state_of(request).now())})


async def _advance_clock(request: Request) -> Response:
    order = await _order(request, TypeAdapter(ClockOrder))
    state_of(request).clock.advance(timedelta(seconds=order.advance_seconds))
    return await _read_clock(request)


async def _revoke(request: Request) -> Response:
    order = await _order(request, TypeAdapter(UserOrder))
    return JSONResponse({"users": state_of(request).authorizations.revoke(order.user_id)})


async def _expire(request: Request) -> Response:
    order = await _order(request, TypeAdapter(UserOrder))
    return JSONResponse(
        {"access_tokens": state_of(request).authorizations.expire_access_tokens(order.user_id)}
    )


async def _change_settings(request: Request) -> Response:
    order = await _order(request, TypeAdapter(SettingsOrder))
    settings = state_of(request).settings
    for name, value in order:
        if value is not None:
            setattr(settings, name, value)
    return JSONResponse(_settings(state_of(request)))


def _settings(state: PretendSpotify) -> Mapping[str, object]:
    settings = asdict(state.settings)
    return {**settings, "tracks_without_features": sorted(state.settings.tracks_without_features)}


async def _requests(request: Request) -> Response:
    logged = state_of(request).log.requests
    return JSONResponse({"requests": [{**asdict(one), "at": timestamp(one.at)} for one in logged]})


async def _counters(request: Request) -> Response:
    log = state_of(request).log
    return JSONResponse(
        {"total": log.by_status.total(), "by_route": dict(log.by_route), "by_status": dict(log.by_status)}
    )


async def _listeners(request: Request) -> Response:
    accounts = state_of(request).accounts.of_persona
    return JSONResponse(
        {
            "listeners": [
                {
                    "persona": key,
                    "user_id": account.id,
                    "account_id": account.account_id,
                    "display_name": account.persona.display_name,
                    "timezone": account.persona.timezone,
                }
                for key, account in accounts.items()
            ]
        }
    )


async def _reset(request: Request) -> Response:
    state_of(request).reset()
    return Response(status_code=HTTPStatus.NO_CONTENT)


CONTROL_ROUTES: Final[list[BaseRoute]] = [
    Route("/_pretend/faults", _queue_fault, methods=["POST"]),
    Route("/_pretend/faults", _pending_faults, methods=["GET"]),
    Route("/_pretend/faults", _clear_faults, methods=["DELETE"]),
    Route("/_pretend/clock", _read_clock, methods=["GET"]),
    Route("/_pretend/clock", _advance_clock, methods=["POST"]),
    Route("/_pretend/revoke", _revoke, methods=["POST"]),
    Route("/_pretend/expire", _expire, methods=["POST"]),
    Route("/_pretend/settings", _change_settings, methods=["PATCH"]),
    Route("/_pretend/requests", _requests, methods=["GET"]),
    Route("/_pretend/counters", _counters, methods=["GET"]),
    Route("/_pretend/listeners", _listeners, methods=["GET"]),
    Route("/_pretend/reset", _reset, methods=["POST"]),
]
