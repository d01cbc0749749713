"""Whom a proxy forwards for, believed only from the proxies that TRUSTED_PROXIES names."""

import ipaddress
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from spotify_insights.errors import SetupError
from spotify_insights.web.client_address import Address, parsed_address

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def trusted_networks(text: str) -> tuple[Network, ...]:
    """The addresses and networks of TRUSTED_PROXIES, separated by commas.

    Raises:
        SetupError: one of them is neither.
    """
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    try:
        return tuple(ipaddress.ip_network(entry, strict=False) for entry in entries)
    except ValueError:
        raise SetupError(
            "The setting TRUSTED_PROXIES cannot be used: it takes addresses and networks such as 10.0.0.5 "
            "or 10.0.0.0/24, separated by commas."
        ) from None


class TrustedProxies:
    """Puts the client's address and scheme in the place of a trusted proxy's own.

    The client is the last entry of X-Forwarded-For that is not a trusted proxy: each proxy appends whom it
    heard from, and what stands before the first one that we trust, anybody may have invented.
    """

    def __init__(self, app: ASGIApp, *, networks: Sequence[Network]) -> None:
        self._app = app
        self._networks = tuple(networks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope.get("client"):
            peer = parsed_address(scope["client"][0])
            if peer is not None and self._is_trusted(peer):
                headers = Headers(scope=scope)
                client = forwarded_client(peer, headers.getlist("x-forwarded-for"), self._networks)
                scope = {**scope, "client": (str(client), 0), "scheme": _scheme(headers, scope["scheme"])}
        await self._app(scope, receive, send)

    def _is_trusted(self, address: Address) -> bool:
        return _is_in(address, self._networks)


def forwarded_client(peer: Address, forwarded: Sequence[str], trusted: Sequence[Network]) -> Address:
    """Whom the trusted `peer` speaks for, by its X-Forwarded-For headers in their order.

    Where every entry is a trusted proxy it is the first of them. An entry that is no address ends the chain:
    then it is the one behind it, the last that somebody trusted has seen.
    """
    client = peer
    for entry in reversed(",".join(forwarded).split(",")):
        address = _forwarded_address(entry.strip())
        if address is None:
            return client
        client = address
        if not _is_in(client, trusted):
            return client
    return client


def _forwarded_address(entry: str) -> Address | None:
    """One entry, as some proxies write it: with a port, or in brackets."""
    if entry.startswith("["):
        return parsed_address(entry[1:].partition("]")[0])
    if entry.count(":") == 1:
        entry = entry.partition(":")[0]
    return parsed_address(entry)


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _scheme(headers: Headers, own: str) -> str:
    # The last one, which the proxy that we trust has written.
    said = ",".join(headers.getlist("x-forwarded-proto")).rpartition(",")[2].strip().lower()
    return said if said in {"http", "https"} else own
