"""Where providers send browsers back to: one constant address, which is registered with each of them.

Providers compare it character by character (RFC 9700, section 2.1), so it never follows from a request.
Spotify takes https, or http on a loopback address, and refuses the name `localhost`:
https://developer.spotify.com/documentation/web-api/concepts/redirect_uri
"""

import ipaddress
from urllib.parse import SplitResult, urlsplit

from spotify_insights.errors import SetupError


def redirect_uri(public_url: str, provider: str) -> str:
    """The address to register with `provider`, such as "spotify"."""
    return f"{public_url.rstrip('/')}/auth/{provider}/callback"


def check_public_url(public_url: str) -> None:
    """Return if redirect addresses can be made of PUBLIC_URL.

    Raises:
        SetupError: they would be refused, or could be read by others on their way.
    """
    wrong = _what_is_wrong(public_url)
    if wrong is not None:
        raise SetupError(
            f"PUBLIC_URL cannot be used: {wrong}. Set it to where browsers reach this installation, such as "
            "https://insights.example.org, or http://127.0.0.1:8000 on this machine alone."
        )


def _what_is_wrong(public_url: str) -> str | None:
    try:
        address = urlsplit(public_url)
        host, _port = address.hostname, address.port
    except ValueError:
        return "it is no web address"
    if address.scheme not in {"http", "https"} or not host:
        return "it is no web address"
    if address.path not in {"", "/"} or address.query or address.fragment or "?" in public_url:
        return "nothing may follow the host and port"
    if address.username is not None or not public_url.isascii() or not public_url.isprintable():
        return "it holds more than a scheme, a host and a port"
    return _who_could_read_along(address, host)


def _who_could_read_along(address: SplitResult, host: str) -> str | None:
    if host == "localhost" or host.endswith(".localhost"):
        return "providers refuse the name localhost, 127.0.0.1 is the same machine"
    if address.scheme == "http" and not _is_loopback_address(host):
        return "sign-ins travel over it, so it needs https"
    return None


def _is_loopback_address(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
