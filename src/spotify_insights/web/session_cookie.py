"""The browser's session cookie: opaque, for this host alone, and out of reach of scripts."""

from datetime import timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from spotify_insights.settings import Settings

# The prefix makes browsers refuse it from anybody but this host over TLS (RFC 6265bis, section 4.1.3.2). On
# loopback there is no TLS, and no other machine to guard against.
SESSION_COOKIE: Final = "__Host-si_session"
_LOOPBACK_COOKIE: Final = "si_session"
LONGEST_COOKIE: Final = 200


def cookie_name(settings: Settings) -> str:
    """What the session cookie is called in this installation."""
    return SESSION_COOKIE if settings.serves_tls else _LOOPBACK_COOKIE


def session_cookie_of(request: Request, settings: Settings) -> str | None:
    """The value that the browser sent, if it may be one of ours."""
    value = request.cookies.get(cookie_name(settings))
    return value if value and len(value) <= LONGEST_COOKIE else None


def set_session_cookie(response: Response, settings: Settings, value: str, *, lasts: timedelta) -> None:
    """Let the browser keep `value` for so long."""
    response.set_cookie(
        cookie_name(settings),
        value,
        max_age=int(lasts.total_seconds()),
        path="/",
        secure=settings.serves_tls,
        httponly=True,
        samesite="lax",
    )


def drop_session_cookie(response: Response, settings: Settings) -> None:
    """Let the browser forget it."""
    response.delete_cookie(
        cookie_name(settings), path="/", secure=settings.serves_tls, httponly=True, samesite="lax"
    )
