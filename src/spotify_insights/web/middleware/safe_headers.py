"""What keeps browsers careful with every answer; what a page sets for itself, stays."""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# What a policy must say besides `default-src`, which does not stand for these (CSP Level 3, section 6).
EMBEDDED_NOWHERE: Final = "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
# Nothing here needs what a browser could give a page. Named one by one, because there is no "all"; a name
# that a browser does not know is ignored (Permissions Policy, section 5.2).
_NOTHING_ALLOWED: Final = ", ".join(
    f"{feature}=()"
    for feature in (
        *("accelerometer", "autoplay", "browsing-topics", "camera", "display-capture", "encrypted-media"),
        *("fullscreen", "geolocation", "gyroscope", "magnetometer", "microphone", "midi", "payment"),
        *("picture-in-picture", "publickey-credentials-get", "screen-wake-lock", "serial", "usb"),
        "xr-spatial-tracking",
    )
)
_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": f"default-src 'none'; {EMBEDDED_NOWHERE}",
    "Permissions-Policy": _NOTHING_ALLOWED,
    # No other page may hold a handle on ours (HTML, section 7.1.3) or load our answers (Fetch, section 3.7).
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# Two years, as browsers ask of sites that shall never be reached unencrypted (RFC 6797, section 6.1). Names
# under ours are somebody else's to decide about.
_ONLY_ENCRYPTED: Final = {"Strict-Transport-Security": "max-age=63072000"}


class SafeHeaders:
    """Adds them to whatever is answered.

    Args:
        encrypted: whether browsers reach this installation by https alone.
    """

    def __init__(self, app: ASGIApp, *, encrypted: bool) -> None:
        self._app = app
        self._headers = _ALWAYS | (_ONLY_ENCRYPTED if encrypted else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)
