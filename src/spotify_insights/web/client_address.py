"""Whose request this is, by address: for limits, for the audit log and for the list of sessions."""

import ipaddress
from typing import Final

from starlette.requests import HTTPConnection

# An address that nobody has: over a Unix socket, and where a test's client gives none.
NO_ADDRESS: Final = "unknown"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(request: HTTPConnection) -> str:
    """The address of the client, in its one canonical spelling; `unknown` where there is none.

    Behind a proxy that TRUSTED_PROXIES names this is what the proxy says; `middleware.forwarded` has put it
    there. What others claim is never believed.
    """
    address = None if request.client is None else parsed_address(request.client.host)
    return NO_ADDRESS if address is None else str(address)


def shortened(address: str) -> str:
    """The /24 or /48 that `address` is part of: enough to recognise a place, too little to find a home.

    What is no address, such as `unknown`, stays `unknown`.
    """
    parsed = parsed_address(address)
    if parsed is None:
        return NO_ADDRESS
    return _network(parsed, 24 if parsed.version == 4 else 48)


def limited_as(address: str) -> str:
    """What counts as one client for limits: the address, or its /64, which is what one IPv6 customer has."""
    parsed = parsed_address(address)
    if parsed is None:
        return NO_ADDRESS
    return str(parsed) if parsed.version == 4 else _network(parsed, 64)


def parsed_address(text: str) -> Address | None:
    """The address that `text` spells, without a zone; an IPv4 address that is written as IPv6 is IPv4."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or ipaddress.IPv6Address(int(address))
    return address


def _network(address: Address, prefix: int) -> str:
    return str(ipaddress.ip_network((address, prefix), strict=False))
