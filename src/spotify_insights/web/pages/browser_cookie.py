"""The cookie by which a browser is recognised that was sent to a provider and comes back."""

import re
from typing import Final

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from spotify_insights.settings import Settings
from spotify_insights.sign_in.begin import ATTEMPT_LASTS

_COOKIE: Final = "__Host-si_sign_in"
# Without TLS browsers refuse the prefix, and on loopback there is nobody else to guard against.
_LOOPBACK_COOKIE: Final = "si_sign_in"
_OURS: Final = re.compile(r"[A-Za-z0-9_-]{43}")


def browser_cookie_of(request: Request, settings: Settings) -> SecretStr | None:
    """What the browser keeps, if it may be one of ours."""
    value = request.cookies.get(_name(settings), "")
    return SecretStr(value) if _OURS.fullmatch(value) else None


def set_browser_cookie(response: Response, settings: Settings, value: SecretStr) -> None:
    """Let the browser keep it for as long as an attempt lasts."""
    response.set_cookie(
        _name(settings),
        value.get_secret_value(),
        max_age=int(ATTEMPT_LASTS.total_seconds()),
        path="/",
        secure=settings.serves_tls,
        httponly=True,
        # It has to come along when the provider sends the browser back.
        samesite="lax",
    )


def drop_browser_cookie(response: Response, settings: Settings) -> None:
    """Let the browser forget it."""
    response.delete_cookie(
        _name(settings), path="/", secure=settings.serves_tls, httponly=True, samesite="lax"
    )


def _name(settings: Settings) -> str:
    return _COOKIE if settings.serves_tls else _LOOPBACK_COOKIE
