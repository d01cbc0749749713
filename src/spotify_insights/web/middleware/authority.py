"""Reading hosts and origins as strictly as walls need it; `urlsplit` would be too forgiving."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from spotify_insights.settings import is_loopback

# RFC 9110, section 7.2, as far as real names and addresses need it.
_AUTHORITY: Final = re.compile(
    r"(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<name>[0-9a-z._-]+))(?::(?P<port>[0-9]{1,5}))?", re.IGNORECASE
)
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Authority:
    """A host and its port; None where none was written."""

    host: str
    port: int | None

    @property
    def is_local(self) -> bool:
        return is_loopback(self.host)


@dataclass(frozen=True)
class WebOrigin:
    """Scheme, host and port, written out: what browsers call an origin (RFC 6454)."""

    scheme: str
    host: str
    port: int

    @property
    def is_local(self) -> bool:
        return is_loopback(self.host)

    def answers_to(self, authority: Authority) -> bool:
        """Whether a request for this origin names `authority` as its host."""
        return authority.host == self.host and (authority.port or _PORTS[self.scheme]) == self.port


def parsed_authority(text: str) -> Authority | None:
    """What a `Host` header names; None where it is not exactly a host and perhaps a port."""
    match = _AUTHORITY.fullmatch(text)
    if match is None:
        return None
    host = (match["ipv6"] or match["name"]).lower()
    return Authority(host, int(match["port"]) if match["port"] else None)


def parsed_origin(text: str) -> WebOrigin | None:
    """What an `Origin` header names; None for "null" and everything that is not of the web."""
    scheme, _, rest = text.partition("://")
    authority = parsed_authority(rest)
    if scheme not in _PORTS or authority is None:
        return None
    return WebOrigin(scheme, authority.host, authority.port or _PORTS[scheme])


def origin_of_url(url: str) -> WebOrigin:
    """The origin of an address that settings have checked."""
    parts = urlsplit(url)
    return WebOrigin(parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme])
